"""A model that never sees what is personal, and whose answer has it all the same."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import structlog

from inference.cleaning import cleaned
from inference.delta import Delta, End, Text, Thought, ToolCall
from inference.failure import ModelFailed
from inference.ports import Model
from inference.prompt import Prompt
from inference.redaction import Restorer, redacted
from shared.contract import inference

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Redacting:
    """Around a model that is somebody else's."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def card(self) -> inference.Model:
        """That of the model."""
        return self._model.card

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """The model's answer with the values in their places. Raises what the model raises, after all that it said."""
        hidden, vault = redacted(cleaned(prompt))
        reader = _Reader(Restorer(vault), Restorer(vault))
        if len(vault):
            log.info("prompt.redacted", values=len(vault))
        async with aclosing(self._model.stream(hidden)) as deltas:
            try:
                async for delta in deltas:
                    match delta:
                        case ToolCall(call_id, name, arguments):
                            yield ToolCall(call_id, name, vault.fill_json(arguments))
                        case _:
                            for each in reader.read(delta):
                                yield each
            except ModelFailed:
                for each in reader.rest():
                    yield each
                raise


class _Reader:
    """Text and reasoning, each with what it holds back."""

    def __init__(self, text: Restorer, thought: Restorer) -> None:
        self._text, self._thought = text, thought

    def read(self, delta: Delta) -> Iterator[Delta]:
        match delta:
            case Text(text):
                if said := self._text.feed(text):
                    yield Text(said)
            case Thought(text):
                if said := self._thought.feed(text):
                    yield Thought(said)
            case End():
                yield from self.rest()
                yield delta
            case _:
                yield delta

    def rest(self) -> Iterator[Delta]:
        if thought := self._thought.rest():
            yield Thought(thought)
        if text := self._text.rest():
            yield Text(text)
