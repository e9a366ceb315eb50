"""A turn as the gateway sees it: the place in the feed is noted first, then memory is asked, so nothing can be missed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from gateway.identity import Identity
from gateway.parts import Parts
from shared.contract.memory import SEND_MESSAGE, Accepted, SendMessage
from shared.contract.subjects import token_log, user_scope
from shared.feed import Cursor


@dataclass(frozen=True, slots=True)
class Begun:
    """An accepted message, and a place in the user's feed before everything it caused."""

    user: str
    accepted: Accepted
    after: Cursor


async def begin(parts: Parts, order: SendMessage) -> Begun:
    """Asks memory to accept a message. Raises what memory refuses it with, TooMany, Stopping, Unavailable."""
    return await noted(parts, order.user, lambda: parts.ask(SEND_MESSAGE, order), new=order.conversation_id is None)


async def noted(parts: Parts, user: str, ask: Callable[[], Awaitable[Accepted]], *, new: bool = False) -> Begun:
    """The same for everything that begins an answer. In a `new` conversation nothing is older than any cursor."""
    parts.must_be_open()
    parts.admission.message(user)
    scope = user_scope(user)
    after = await (parts.feed.recent(scope) if new else parts.feed.head(scope))
    accepted = await ask()
    if accepted.repeated:
        after = await _beginning(parts, user, accepted) or after
    return Begun(user, accepted, after)


async def _beginning(parts: Parts, user: str, accepted: Accepted) -> Cursor | None:
    """What was accepted before has begun to answer before: its cursor of now would be too late."""
    log = token_log(user, accepted.conversation_id, accepted.generation_id)
    return await parts.feed.before(user_scope(user), log)


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
