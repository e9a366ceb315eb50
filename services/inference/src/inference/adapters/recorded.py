"""A model that says again what was said: a recorded conversation, at the speed it had."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from time import monotonic
from typing import Final

from inference.catalogue import VARIABLE, Entry
from inference.delta import Delta, End, Spent, ToolCall
from inference.failure import NotSupported
from inference.prompt import Prompt
from inference.recording import Turn, Unreadable, chosen, turns_of
from shared.contract import inference
from shared.errors import Invalid

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a recording; all of it is kept in memory."""


def recorded(entry: Entry) -> list[Turn]:
    """The turns in its file. Raises Invalid."""
    path, place = Path(entry.path), f"{VARIABLE}: models.{entry.id}.path: {entry.path}"
    try:
        if path.stat().st_size > LARGEST:
            raise Invalid(f"{place} is larger than {LARGEST // 2**20} MiB.")
        turns = turns_of(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{place} can't be read ({type(error).__name__}).") from None
    except (Unreadable, KeyError, TypeError, ValueError, AttributeError) as error:
        said = f"{error}" if isinstance(error, Unreadable) else f"{type(error).__name__} in a line"
        raise Invalid(f"{place} is no recording: {said}; see docs/models.md.") from None
    if not turns:
        raise Invalid(f"{place} holds no completed answer; see docs/models.md.")
    return turns


class Recorded:
    """`speed` 2 is twice as fast as it was, 0 without any wait."""

    def __init__(self, turns: Sequence[Turn], speed: float, card: inference.Model) -> None:
        self._turns, self._speed = turns, speed
        self.card = card

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """The same prompt always gets the same. Raises NotSupported where a client asks for a form."""
        if prompt.response_format is not None:
            raise NotSupported
        turn, steps = chosen(self._turns, prompt)
        most, offered = prompt.sampling.max_tokens, {tool.name for tool in prompt.tools}
        due, called = monotonic(), False
        for step in steps[:most]:
            due += step.after / self._speed if self._speed else 0.0
            if (wait := due - monotonic()) > 0:
                await asyncio.sleep(wait)
            if isinstance(step.said, ToolCall):
                if step.said.name not in offered:
                    continue
                called = True
            yield step.said
        if turn.usage is not None:
            yield Spent(turn.usage)
        yield End("tool_calls" if called else "length" if most is not None and most < len(steps) else "stop")
