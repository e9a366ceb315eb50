"""One answer, step by step to its end, for calls that wait for it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import NamedTuple

from pydantic_core import from_json

from gateway.faults import AnswerCancelled, AnswerFailed, Unsupported, UpstreamTimeout
from gateway.parts import Parts
from gateway.turn import Begun
from shared.contract.events import (
    EVENTS,
    ActionAsked,
    ActionCreated,
    GenerationEnded,
    GenerationQueued,
    GenerationStarted,
    Reasoning,
    Token,
    ToolApproval,
    ToolFinished,
    ToolStarted,
)
from shared.contract.memory import LIST_MESSAGES, OPEN_STREAM, Accepted, ListMessages, OpenStream
from shared.contract.objects import ChatMessage
from shared.contract.subjects import Subject, conversation_scope, user_scope
from shared.errors import Fault, UnknownModel
from shared.feed import Cursor, Reset

RECENT = 50
_THOUGHT = Reasoning.type_name.encode()
_SPOKEN = (Token.type_name.encode(), _THOUGHT)
_FAILURES: dict[str, type[Fault]] = {
    "upstream_timeout": UpstreamTimeout,
    "unknown_model": UnknownModel,
    "not_supported": Unsupported,
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Some text was not seen; the end will have it."""


class Piece(NamedTuple):
    """The next piece of the text, or of a thought."""

    text: str
    thought: bool


Happening = GenerationQueued | GenerationStarted | ToolStarted | ToolFinished | ToolApproval | ActionAsked | ActionCreated
Step = Happening | Piece | Gap | ChatMessage
"""A ChatMessage is always the last one: the answer as it is stored."""


async def steps(parts: Parts, begun: Begun) -> AsyncGenerator[Step]:
    """Every step of the answer. When the feed can't be continued, the database says how it stands (F48)."""
    after = begun.after
    if begun.accepted.repeated and (message := await _ended(parts, begun)):
        yield message
        return
    while True:
        try:
            async with aclosing(_followed(parts, begun, after)) as followed:
                async for step in followed:
                    yield step
                    if isinstance(step, ChatMessage):
                        return
        except Reset:
            yield Gap()
        # The place first, then the question: what ends in between comes after it.
        after = await parts.feed.head(user_scope(begun.user))
        if message := await _ended(parts, begun):
            yield message
            return


async def end_of(parts: Parts, begun: Begun) -> ChatMessage:
    """The answer when it has ended. Raises AnswerFailed and its like."""
    async with aclosing(steps(parts, begun)) as walk:
        async for step in walk:
            if isinstance(step, ChatMessage):
                return completed(step, begun.accepted)
    raise AnswerFailed


def completed(message: ChatMessage, accepted: Accepted) -> ChatMessage:
    """The message, or its failure as a fault that keeps the text there is."""
    if message.status == "completed":
        return message
    where = {"conversationId": accepted.conversation_id, "messageId": accepted.answer_id, "text": message.text}
    if message.status == "cancelled":
        raise AnswerCancelled(**where)
    if message.error is None:
        raise AnswerFailed(**where)
    raise _FAILURES.get(message.error.code, AnswerFailed)(message.error.message, reason=message.error.code, **where)


async def replayed(parts: Parts, begun: Begun) -> tuple[list[Step], Cursor]:
    """What has happened by now since it was begun, and the place after it. Raises Unavailable."""
    generation = begun.accepted.generation_id
    mark = generation.encode()
    feed = Subject(conversation_scope(begun.user, begun.accepted.conversation_id).feed)
    entries = await parts.bus.read(feed, after=begun.after.sequence)
    found = [_step(kind, data, generation) for _, kind, data in entries if mark in data]
    last = entries[-1][0] if entries else begun.after.sequence
    return [step for step in found if step is not None], Cursor(begun.after.incarnation, last)


async def _followed(parts: Parts, begun: Begun, after: Cursor) -> AsyncGenerator[Step]:
    generation = begun.accepted.generation_id
    mark = generation.encode()
    scope = conversation_scope(begun.user, begun.accepted.conversation_id)
    async with aclosing(parts.feed.follow(scope, after)) as events:
        async for stored in events:
            if mark in stored.data and (step := _step(stored.type, stored.data, generation)):
                yield step


def _step(name: bytes, data: bytes, generation: str) -> Step | None:
    if name in _SPOKEN:  # Half of what a whole event would cost, for each token.
        token = from_json(data)
        return Piece(token["token"], name == _THOUGHT) if token["generationId"] == generation else None
    kind = EVENTS.get(name.decode())
    event = kind.decode(data) if kind is not None else None
    if getattr(event, "generation_id", None) != generation:
        return None
    if isinstance(event, GenerationEnded):
        return event.message
    return event if isinstance(event, Happening) else None


async def _ended(parts: Parts, begun: Begun) -> ChatMessage | None:
    """The stored answer, if it has ended."""
    accepted = begun.accepted
    question = OpenStream(user=begun.user, conversation_id=accepted.conversation_id, until=accepted.answer_id)
    if not (await parts.ask(OPEN_STREAM, question)).until_ended:
        return None
    page = ListMessages(user=begun.user, conversation_id=accepted.conversation_id, limit=RECENT, branch=False)
    messages = (await parts.ask(LIST_MESSAGES, page)).messages
    return next((message for message in messages if message.id == accepted.answer_id), None)
