"""An answer spoken while it is still being written, one sentence at a time; when the answer is stopped, so is the speech."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Final, Literal

from gateway.answers import Gap, Piece, steps
from gateway.parts import Parts
from gateway.speech import Manner, said
from gateway.turn import Begun
from shared.contract.events import GenerationStarted
from shared.contract.memory import LIST_MESSAGES, Accepted, ListMessages
from shared.contract.objects import ChatMessage
from shared.contract.speech import Said
from shared.contract.subjects import conversation_scope, token_log
from shared.errors import UnknownMessage
from shared.sentences import Sentences, sentences
from shared.tasks import owned

AHEAD: Final = 64
"""Sentences that may wait to be spoken; more of an answer is read when they have been."""

RECENT: Final = 100

Reason = Literal["completed", "stopped", "failed"]
Utter = Callable[[int, str, Said], Awaitable[None]]
"""Takes the number of a sentence, its text and its sound."""


class Recital:
    """The sentences of one answer, each once: what another attempt at the answer repeats is not spoken again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._cutting = Sentences(most)
        self._text = ""
        self._seen = 0
        self._blind = False
        self.given: list[str] = []

    def take(self, text: str) -> list[str]:
        """The sentences that are whole now, and new."""
        self._text += text
        return [] if self._blind else self._new(self._cutting.feed(text))

    def restart(self) -> None:
        """What was said until now is void; it may be said again."""
        self._cutting, self._text, self._seen, self._blind = Sentences(self._most), "", 0, False

    def gap(self) -> None:
        """Some of it was missed: the rest comes with the end."""
        self._blind = True

    def close(self, text: str) -> list[str]:
        """What is left of the whole text."""
        if self._blind or not text.startswith(self._text):
            return sentences(text, self._most)[len(self.given) :]
        return self._new([*self._cutting.feed(text[len(self._text) :]), *self._cutting.close()])

    def _new(self, found: list[str]) -> list[str]:
        new: list[str] = []
        for sentence in found:
            self._seen += 1
            if self._seen > len(self.given):
                self.given.append(sentence)
                new.append(sentence)
        return new


async def recited(parts: Parts, begun: Begun, manner: Manner, utter: Utter) -> Reason:
    """Speaks the answer to its end; says how it ended. Raises NoVoice, Unavailable."""
    waiting: asyncio.Queue[str | None] = asyncio.Queue(AHEAD)
    async with owned() as tasks:
        speaking = tasks.create_task(_speak(parts, manner, waiting, utter))
        reason = await _read(parts, begun, Recital(manner.most), waiting)
        if reason == "stopped":
            speaking.cancel()
    return reason


async def _read(parts: Parts, begun: Begun, recital: Recital, waiting: asyncio.Queue[str | None]) -> Reason:
    async with aclosing(steps(parts, begun)) as walk:
        async for step in walk:
            match step:
                case Piece(text, thought=False):
                    await _put(waiting, recital.take(text))
                case GenerationStarted():
                    recital.restart()
                case Gap():
                    recital.gap()
                case ChatMessage(status="cancelled"):
                    return "stopped"
                case ChatMessage():
                    await _put(waiting, recital.close(step.text))
                    await waiting.put(None)
                    return "completed" if step.status == "completed" else "failed"
                case _:
                    continue
    return "failed"


async def _put(waiting: asyncio.Queue[str | None], found: list[str]) -> None:
    for sentence in found:
        await waiting.put(sentence)


async def _speak(parts: Parts, manner: Manner, waiting: asyncio.Queue[str | None], utter: Utter) -> None:
    number = 0
    while (sentence := await waiting.get()) is not None:
        await utter(number, sentence, await said(parts, sentence, manner))
        number += 1


async def begun_by(parts: Parts, user: str, conversation_id: str, message_id: str) -> Begun:
    """An answer that was begun elsewhere, from its first word. Raises UnknownConversation, UnknownMessage."""
    scope = conversation_scope(user, conversation_id)
    now = await parts.feed.head(scope)
    page = ListMessages(user=user, conversation_id=conversation_id, limit=RECENT, branch=False)
    messages = (await parts.ask(LIST_MESSAGES, page)).messages
    answer = next((message for message in messages if message.id == message_id), None)
    if answer is None or answer.generation_id is None:
        raise UnknownMessage
    after = await parts.feed.before(scope, token_log(user, conversation_id, answer.generation_id))
    accepted = Accepted(
        conversation_id=conversation_id,
        message_id=answer.parent_id or "",
        answer_id=answer.id,
        generation_id=answer.generation_id,
        queue_position=0,
        repeated=True,
    )
    return Begun(user, accepted, after or now)
