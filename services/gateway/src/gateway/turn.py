"""A turn as the gateway sees it: the place in the feed is noted first, then memory is asked, so nothing can be missed."""

from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from gateway.identity import Identity
from gateway.parts import Parts
from shared.contract.memory import SEND_MESSAGE, Accepted, BeginsAnswer, SendMessage
from shared.contract.subjects import user_scope
from shared.contract.topics import Call
from shared.feed import Cursor

Q = TypeVar("Q", bound=BeginsAnswer)


@dataclass(frozen=True, slots=True)
class Begun:
    """An accepted message, and a place in the user's feed before everything it caused."""

    user: str
    accepted: Accepted
    after: Cursor


async def begin(parts: Parts, order: SendMessage, *, alone: bool = False) -> Begun:
    """Asks memory to accept a message. Raises what memory refuses it with, TooMany, Stopping, Unavailable.

    `alone`: only this turn will be shown, so the cursor may be a little older than the newest event before it.
    """
    # In a new conversation nothing is older than any cursor.
    return await noted(parts, SEND_MESSAGE, order, exact=not alone and order.conversation_id is not None)


async def noted(parts: Parts, call: Call[Q, Accepted], order: Q, *, exact: bool = True) -> Begun:
    """The same for everything that begins an answer. A cursor that is not `exact` mostly costs no question to NATS.

    What was accepted before, under the same key, is answered with the cursor of that time.
    """
    parts.must_be_open()
    parts.admission.message(order.user)
    scope = user_scope(order.user)
    after = await (parts.feed.head(scope) if exact else parts.feed.recent(scope))
    accepted = await parts.ask(call, order.model_copy(update={"after": str(after)}))
    if accepted.after is not None:
        after = Cursor.parse(accepted.after)
    return Begun(order.user, accepted, after)


def receipt(begun: Begun, caller: Identity) -> dict[str, object]:
    """The answer to a client whose message was accepted."""
    accepted = begun.accepted
    return {
        "status": "accepted",
        "messageId": accepted.message_id,
        "answerId": accepted.answer_id,
        "generationId": accepted.generation_id,
        "conversationId": accepted.conversation_id,
        "streamUrl": stream_url(begun, caller),
        "queuePosition": accepted.queue_position,
    }


def stream_url(begun: Begun, caller: Identity) -> str:
    """Where to follow the answer; usable as it is by the same caller."""
    query = urlencode({"after": str(begun.after)})
    extra = f"&{caller.url_query}" if caller.url_query else ""
    return f"/api/v1/stream/{begun.accepted.conversation_id}?{query}{extra}"
