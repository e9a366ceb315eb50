"""What a model says, piece by piece, whatever dialect it said it in."""

from typing import NamedTuple

from shared.contract.objects import FinishReason, Usage

# Named tuples, not frozen dataclasses: one is made for each token, and these cost a third.


class Text(NamedTuple):
    """The next piece of the answer."""

    text: str


class Thought(NamedTuple):
    """The next piece of the model's reasoning."""

    text: str


class Working(NamedTuple):
    """The model writes something that can't be shown before it is whole, such as a tool call."""


class ToolCall(NamedTuple):
    """The model wants a tool; complete, `arguments` is an object in JSON."""

    id: str
    name: str
    arguments: str


class Spent(NamedTuple):
    """What the answer cost so far; a later one replaces it."""

    usage: Usage


class End(NamedTuple):
    """The model is done. A stream without it was cut."""

    reason: FinishReason


class Asking(NamedTuple):
    """From here on this model answers, and so long may its first word and the next one take, in seconds. Comes before anything
    is said; what a model said before that was nothing that is shown."""

    model: str
    first_token: float
    idle: float
    total: float


Delta = Text | Thought | Working | ToolCall | Spent | End | Asking
