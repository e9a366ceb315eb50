"""The streams: who may follow what, from where, until when. The relay does the rest."""

from dataclasses import dataclass
from typing import cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.excerpt import Turn
from gateway.exchange import header, query
from gateway.identity import Identity
from gateway.parts import Parts
from gateway.presence import Session
from gateway.requests import is_id
from gateway.sink import Send as Steppable
from gateway.turn import Begun
from shared.contract import subjects
from shared.contract.memory import OPEN_STREAM, OpenStream, StreamOpening
from shared.contract.subjects import conversation_scope, token_log, user_scope
from shared.errors import Invalid, Unavailable
from shared.feed import Cursor

DEVICE_LENGTH = 120


@dataclass(frozen=True, slots=True)
class View:
    """What a reader sees: a part of the feed, from a place on (None: from now), until an answer has ended."""

    part: subjects.Scope
    after: Cursor | None
    until: str | None = None
    ended: bool = False
    """The answer that `until` names has ended already: what is stored is all there is."""
    only: Turn | None = None
    """The one turn that is shown, if not all are."""


def asked_for(scope: Scope) -> tuple[Cursor | None, str | None]:
    """Cursor and `until` of a request. The header wins: a reconnecting EventSource repeats its address. Raises BadCursor."""
    parameters = query(scope)
    text = header(scope, b"last-event-id")
    text = parameters.get("after") if text is None else text
    until = parameters.get("until")
    if until is not None and not is_id(until):
        raise Invalid("until must be the id of a message.")
    return (None if text is None else Cursor.parse(text)), until


async def user_view(parts: Parts, caller: Identity, scope: Scope) -> View:
    """Everything of this user. Raises UnknownMessage when `until` is nothing of the caller's."""
    after, until = asked_for(scope)
    part = user_scope(caller.user)
    after = after or await parts.feed.head(part)  # the place first, as below
    ended = until is not None and (await _opening(parts, caller, None, until)).until_ended
    return View(part, after, until, ended)


async def conversation_view(parts: Parts, caller: Identity, conversation: str, scope: Scope) -> View:
    """One conversation. Raises UnknownConversation when it isn't the caller's."""
    after, until = asked_for(scope)
    part = conversation_scope(caller.user, conversation)
    # The place first, then the question: what ends in between comes after it.
    now = after or await parts.feed.head(part)
    try:
        opening = await _opening(parts, caller, conversation, until)
    except Unavailable:
        if after is None or until is not None:
            raise
        # Who comes back while memory is away reads on: the subject holds the caller's own id, so nothing foreign can come.
        return View(part, after)
    if after is None and opening.running_generation_id:
        log = token_log(caller.user, conversation, opening.running_generation_id)
        now = await parts.feed.before(part, log) or now
    return View(part, now, until, opening.until_ended)


async def _opening(parts: Parts, caller: Identity, conversation: str | None, until: str | None) -> StreamOpening:
    return await parts.ask(OPEN_STREAM, OpenStream(user=caller.user, conversation_id=conversation, until=until))


async def serve(parts: Parts, caller: Identity, view: View, scope: Scope, receive: Receive, send: Send) -> None:
    """Relays until the reader leaves, or there is nothing more to say. Raises TooManyStreams, Stopping."""
    parts.must_be_open()
    with Connected(parts, caller, scope):
        await parts.relay.serve(
            scope,
            receive,
            cast("Steppable", send),  # every layer hands on the server's own coroutines
            scope=view.part,
            after=view.after,
            until=view.until,
            ended=view.ended,
            expires=caller.expires,
            only=view.only,
        )


class Connected:
    """A stream or socket while it is open: it counts, and others see it.

    A class, because three generators would cost each open stream 2 KiB. Entering raises TooManyStreams or Overloaded.
    """

    __slots__ = ("_device", "_parts", "_session", "_user")

    def __init__(self, parts: Parts, caller: Identity, scope: Scope) -> None:
        agent = header(scope, b"user-agent")
        self._parts = parts
        self._user = caller.user
        self._device = agent[:DEVICE_LENGTH] if agent else None
        self._session: Session | None = None

    def __enter__(self) -> None:
        self._parts.admission.stream_opens(self._user)
        self._session = self._parts.presence.opened(self._user, self._device)

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._parts.presence.closed(self._session)
            self._parts.admission.stream_closed(self._user)


class AnswerStream(Response):
    """The events of one turn, then `done`."""

    media_type = "text/event-stream"

    def __init__(self, parts: Parts, caller: Identity, begun: Begun) -> None:
        super().__init__()
        self._parts = parts
        self._caller = caller
        self._begun = begun

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams; hanging up doesn't stop the answer."""
        accepted = self._begun.accepted
        part = conversation_scope(self._caller.user, accepted.conversation_id)
        ended = accepted.repeated and await self._ended()
        view = View(part, self._begun.after, accepted.generation_id, ended, only=Turn(accepted))
        await serve(self._parts, self._caller, view, scope, receive, send)

    async def _ended(self) -> bool:
        accepted = self._begun.accepted
        return (await _opening(self._parts, self._caller, accepted.conversation_id, accepted.answer_id)).until_ended
