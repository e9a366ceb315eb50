"""Workflows as the gateway begins them, and their list's cursors as clients see them."""

from base64 import b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256

from gateway.parts import Parts
from shared.contract.workflow import CREATE, GET, CreateWorkflow, GetWorkflow, WorkflowState
from shared.errors import BadCursor, IdempotencyMismatch, WorkflowExists


async def begin(parts: Parts, order: CreateWorkflow, key: str | None) -> str:
    """The id of a workflow that will run. Raises what the service refuses it with, TooMany, Stopping.

    An id of the caller's is used once. A key is as good as an id, but the same request under it is answered the same again.
    """
    if order.id is not None or key is None:
        return (await parts.change(CREATE, order)).id
    named = order.model_copy(update={"id": id_of(key)})
    try:
        return (await parts.change(CREATE, named)).id
    except WorkflowExists:
        known = await parts.ask(GET, GetWorkflow(user=order.user, workflow_id=id_of(key)))
    return _same(known, named)


def id_of(key: str) -> str:
    """The id of what was begun under this key."""
    return "w_" + sha256(key.encode()).hexdigest()[:40]


def _same(known: WorkflowState, order: CreateWorkflow) -> str:
    """Raises IdempotencyMismatch when it was another request."""
    if (known.type, known.params) != (order.type, order.params):
        raise IdempotencyMismatch
    return known.id


def cursor_of(place: str | None) -> str | None:
    """A place in the list as something that may stand in an address."""
    return urlsafe_b64encode(place.encode()).rstrip(b"=").decode() if place else None


def place_of(cursor: str | None) -> str | None:
    """The place that a cursor stands for. Raises BadCursor."""
    if cursor is None:
        return None
    try:
        return b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (UnicodeError, Error, ValueError):
        raise BadCursor from None
