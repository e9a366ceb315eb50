"""What an answer costs in tokens, about, while its server has not said it: some never do, and one that is cut off can't."""

from collections.abc import Sequence
from math import ceil
from typing import Final

from inference.delta import Delta, Spent, Text, Thought, ToolCall
from inference.prompt import Prompt
from shared.contract.objects import Usage

BYTES_PER_TOKEN: Final = 4
"""Of UTF-8. Within a third of what usual tokenizers make of English, German, Russian, Chinese and code."""

PER_MESSAGE: Final = 4
"""Tokens that a chat template spends on a message."""

EVERY: Final = 64
"""Pieces after which the estimate is said anew: an answer that is stopped is charged for all but the last of them."""


def tokens_of(text: str) -> int:
    """At least one for a text that is not empty."""
    return ceil(len(text.encode(errors="replace")) / BYTES_PER_TOKEN)


def prompt_tokens(prompt: Prompt) -> int:
    """Of the messages and of the tools that are told with them."""
    messages = sum(tokens_of(message.text) + PER_MESSAGE for message in prompt.messages)
    return messages + sum(tokens_of(f"{tool.name}{tool.description}{tool.parameters}") for tool in prompt.tools)


class Meter:
    """Counts one answer as it goes by, and says what it costs until the server does."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._asked = 0
        self._pieces = 0
        self._bytes = 0
        self._told = False

    def through(self, deltas: Sequence[Delta]) -> Sequence[Delta]:
        """The same deltas, now and then with an estimate behind them."""
        if self._told:
            return deltas
        before = self._pieces
        for delta in deltas:
            match delta:
                case Text(text) | Thought(text) | ToolCall(_, _, text):
                    self._pieces += 1
                    self._bytes += len(text.encode())
                case Spent():
                    self._told = True
                case _:
                    pass
        due = not self._told and self._pieces // EVERY != before // EVERY
        return [*deltas, self.spent()] if due or (self._pieces and not before and not self._told) else deltas

    def rest(self, deltas: Sequence[Delta]) -> Sequence[Delta]:
        """The last deltas; the estimate before them when the server has said nothing."""
        self.through(deltas)
        return deltas if self._told or not self._pieces else [self.spent(), *deltas]

    def spent(self) -> Spent:
        """The estimate as it stands."""
        self._asked = self._asked or prompt_tokens(self._prompt)
        said = ceil(self._bytes / BYTES_PER_TOKEN)
        return Spent(Usage(prompt_tokens=self._asked, completion_tokens=said, total_tokens=self._asked + said, estimated=True))
