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


async def begin(parts: Parts, order: SendMessage) -> Begun:
    """Asks memory to accept a message. Raises what memory refuses it with, TooMany, Stopping, Unavailable."""
    return await noted(parts, SEND_MESSAGE, order, new=order.conversation_id is None)


async def noted(parts: Parts, call: Call[Q, Accepted], order: Q, *, new: bool = False) -> Begun:
    """The same for everything that begins an answer. In a `new` conversation nothing is older than any cursor.

    What was accepted before, under the same key, is answered with the cursor of that time.
    """
    parts.must_be_open()
    parts.admission.message(order.user)
    scope = user_scope(order.user)
    after = await (parts.feed.recent(scope) if new else parts.feed.head(scope))
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
