"""What an answer may cost: reserved before it begins, capped while it runs, settled when it has ended (S13).

Costs are whole nano-USD: a token at a dollar per million is 1,000 of them, and sums stay exact.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from memory.settings import MemorySettings
from shared.contract.objects import Usage

NANO: Final = 1_000_000_000
PER_TOKEN: Final = 1_000
"""Nano-USD per token at one USD per million."""

EXTRA: Final = 512
"""Tokens that a worker may add to a prompt: its own instructions and what it tells of tools."""

LEAST_OUTPUT: Final = 64
"""Tokens without which an answer is not worth beginning."""

RESULTS: Final = 4_096
"""Tokens that the results of a round's tools may bring to the next one."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens, and nano-USD."""

    tokens: int = 0
    cost: int = 0


NONE: Final = Amount()


@dataclass(frozen=True, slots=True)
class Price:
    """Of a model: USD per million tokens, and the most it says in one answer."""

    prompt: float = 0.0
    completion: float = 0.0
    output: int | None = None

    def of(self, prompt: int, completion: int) -> Amount:
        """What so many tokens cost."""
        cost = ceil((prompt * self.prompt + completion * self.completion) * PER_TOKEN)
        return Amount(prompt + completion, cost)


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a day's budget; None: there is no limit."""

    tokens: int | None
    cost: int | None

    def has(self, amount: Amount) -> bool:
        """Whether it is enough."""
        tokens = self.tokens is None or self.tokens >= amount.tokens
        return tokens and (self.cost is None or self.cost >= amount.cost)

    def of(self, amount: Amount) -> Amount:
        """The amount, or what there is of it."""
        tokens = amount.tokens if self.tokens is None else min(amount.tokens, self.tokens)
        return Amount(tokens, amount.cost if self.cost is None else min(amount.cost, self.cost))


def limits_of(limits: MemorySettings, user: str) -> MemorySettings:
    """The limits with the budget of this user, who may have one of their own."""
    own = limits.budgets.get(user)
    if own is None:
        return limits
    named = {"budget_tokens": own.tokens, "budget_cost": own.cost}
    return limits.model_copy(update={name: value for name, value in named.items() if value is not None})


def limited(limits: MemorySettings) -> bool:
    """Whether there is a budget at all."""
    return bool(limits.budget_tokens or limits.budget_cost)


def left(limits: MemorySettings, used: Amount, reserved: Amount) -> Left:
    """What is left of the budget of a day."""
    tokens = max(0, limits.budget_tokens - used.tokens - reserved.tokens) if limits.budget_tokens else None
    cost = max(0, round(limits.budget_cost * NANO) - used.cost - reserved.cost) if limits.budget_cost else None
    return Left(tokens, cost)


def room(limits: MemorySettings, reserved: Amount, price: Price) -> int:
    """Tokens that the prompt may have, so that some are left for the answer."""
    rooms = [limits.prompt_tokens]
    if limits.budget_tokens:
        rooms.append(reserved.tokens - EXTRA - LEAST_OUTPUT)
    if limits.budget_cost and price.prompt:
        rooms.append(_affordable(reserved.cost - price.of(EXTRA, LEAST_OUTPUT).cost, price.prompt))
    return max(1, min(rooms))


def output(limits: MemorySettings, reserved: Amount, price: Price, prompt: int, most: int) -> int:
    """Tokens that the answer may have after this prompt, no more than `most`."""
    outputs = [most]
    if limits.budget_tokens:
        outputs.append(reserved.tokens - prompt - EXTRA)
    if limits.budget_cost and price.completion:
        outputs.append(_affordable(reserved.cost - price.of(prompt + EXTRA, 0).cost, price.completion))
    return max(1, min(outputs))


def _affordable(cost: int, price: float) -> int:
    return int(cost / (price * PER_TOKEN))


def rest(usage: Usage, counted: Usage | None) -> Usage:
    """What of the whole was not counted before."""
    if counted is None:
        return usage
    prompt = max(0, usage.prompt_tokens - counted.prompt_tokens)
    completion = max(0, usage.completion_tokens - counted.completion_tokens)
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


def midnight(at: datetime) -> datetime:
    """When the next day begins, in UTC."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
