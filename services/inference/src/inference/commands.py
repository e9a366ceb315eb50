"""The built-in commands: fixed rules that answer without any model. Pure, and the same question gets the same answer."""

import re
from collections.abc import Iterator
from typing import Final

NAME: Final = "colloquy-demo"
DESCRIPTION: Final = "Built-in commands (no AI model)"
COUNT_CAP: Final = 10_000

ABOUT: Final = (
    "I am the built-in commands of Colloquy: a few fixed rules, not an AI model. I can say hello, repeat a text "
    "(/echo TEXT), count (count to 20), and explain myself (help).\n\n"
    "For real answers connect a model: set INFERENCE_BASE_URL to any OpenAI-compatible server (such as "
    "http://127.0.0.1:11434/v1 for Ollama), INFERENCE_MODEL to the model's name and, where one is needed, "
    "INFERENCE_API_KEY, then start Colloquy again."
)
GREETING: Final = "Hello! I am the built-in commands of Colloquy, not an AI model. Say “help” to see what I can do."
UNKNOWN: Final = (
    "I can't answer that: I am a few built-in commands, not an AI model. Say “help” to see what I can do, or set "
    "INFERENCE_BASE_URL, INFERENCE_MODEL and INFERENCE_API_KEY to connect a real model."
)

_PIECE = re.compile(r"\S{1,24}\s{0,8}|\s{1,24}")
_ECHO = re.compile(r"\s*/echo(?:\s|\Z)", re.IGNORECASE)
_COUNT = re.compile(r"\s*(?:please\s+)?count\s+(?:up\s+)?to\s+(\d[\d,_']*)\s*[.!]?\s*\Z", re.IGNORECASE | re.ASCII)
_HELLO = re.compile(r"\s*(?:hi|hello|hey|good (?:morning|afternoon|evening))\b(?:\s+there)?\s*[.!,]*\s*\Z", re.IGNORECASE)
_ABOUT = re.compile(
    r"\s*/?(?:help|what can you do|(?:who|what) are you"
    r"|are you (?:an? )?(?:ai|human|real|robot|bot|model|llm|chatgpt))\b[\s?!.]*\Z",
    re.IGNORECASE,
)


def reply(text: str) -> Iterator[str]:
    """The answer to this text, in pieces that a reader can follow."""
    if echo := _ECHO.match(text):
        return pieces(text[echo.end() :] or "Write a text after /echo and I repeat it.")
    if count := _COUNT.match(text):
        return _count(re.sub(r"\D", "", count[1]))
    if _HELLO.match(text):
        return pieces(GREETING)
    return pieces(ABOUT if _ABOUT.match(text) else UNKNOWN)


def pieces(text: str) -> Iterator[str]:
    """Cuts a text into words with the space behind them; joined they are the text again, byte for byte."""
    return (match[0] for match in _PIECE.finditer(text))


def _count(digits: str) -> Iterator[str]:
    # Compared by length first: int() of thousands of digits raises.
    if len(digits.lstrip("0")) > len(str(COUNT_CAP)) or int(digits[-9:]) > COUNT_CAP:
        return pieces(f"That is a long way. I count to {COUNT_CAP:,} at most; shall we try a smaller number?")
    last = int(digits[-9:])
    if last == 0:
        return pieces("I start at 1, so there is nothing to count. Try a larger number.")
    return (str(number) if number == last else f"{number}, " for number in range(1, last + 1))
