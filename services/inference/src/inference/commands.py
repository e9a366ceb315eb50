"""The built-in commands: rules that answer without any model. Pure, and the same question gets the same answer.

What they understand is in `inference.rules`; here is how they are named, and what is repeated or counted to the letter.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from inference.delta import ToolCall
from inference.rules import demo
from inference.rules.conversation import own_words, turn
from inference.rules.moments import zone_of
from inference.rules.toolbox import Toolbox
from shared.contract.objects import PromptMessage
from shared.contract.tools import ToolSpec

NAME: Final = "colloquy-demo"
DESCRIPTION: Final = "Built-in commands (no AI model)"
COUNT_CAP: Final = 10_000

_PIECE = re.compile(r"\S{1,24}\s{0,8}|\s{1,24}")
_ECHO = re.compile(r"\s*/echo(?:\s|\Z)", re.IGNORECASE)
_COUNT = re.compile(r"\s*(?:please\s+)?count\s+(?:up\s+)?to\s+(\d[\d,_']*)\s*[.!]?\s*\Z", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said, in pieces that a reader can follow; then the tools that are called. `pace`: tokens a second, where the
    answer has one of its own. `fails_after`: it breaks off after so many pieces, for show."""

    words: Iterator[str]
    calls: tuple[ToolCall, ...] = ()
    pace: float | None = None
    fails_after: int | None = None


def reply_to(
    messages: Sequence[PromptMessage], tools: Sequence[ToolSpec] = (), now: datetime | None = None, timezone: str = "UTC"
) -> Reply:
    """The next round after these messages."""
    question = next((message.text for message in reversed(messages) if message.role == "user"), "")
    if (words := _to_the_letter(own_words(question))) is not None:
        return Reply(words)
    here = (now or datetime.now(UTC)).astimezone(zone_of(timezone))
    next_turn = turn(messages, Toolbox(tools), here)
    match next_turn.text:
        case demo.SLOW:
            return Reply(pieces(next_turn.text), pace=demo.SLOW_PACE)
        case demo.ERROR:
            return Reply(pieces(next_turn.text), fails_after=demo.FAILS_AFTER)
        case text:
            return Reply(pieces(text), next_turn.calls)


def reply(text: str) -> Iterator[str]:
    """The answer to this text alone, without tools."""
    return reply_to([PromptMessage(role="user", text=text)]).words


def pieces(text: str) -> Iterator[str]:
    """Cuts a text into words with the space behind them; joined they are the text again, byte for byte."""
    return (match[0] for match in _PIECE.finditer(text))


def _to_the_letter(text: str) -> Iterator[str] | None:
    if echo := _ECHO.match(text):
        return pieces(text[echo.end() :] or "Write a text after /echo and I repeat it.")
    if count := _COUNT.match(text):
        return _count(re.sub(r"\D", "", count[1]))
    return None


def _count(digits: str) -> Iterator[str]:
    # Compared by length first: int() of thousands of digits raises.
    if len(digits.lstrip("0")) > len(str(COUNT_CAP)) or int(digits[-9:]) > COUNT_CAP:
        return pieces(f"That is a long way. I count to {COUNT_CAP:,} at most; shall we try a smaller number?")
    last = int(digits[-9:])
    if last == 0:
        return pieces("I start at 1, so there is nothing to count. Try a larger number.")
    return (str(number) if number == last else f"{number}, " for number in range(1, last + 1))
