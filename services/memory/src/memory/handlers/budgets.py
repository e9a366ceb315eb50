"""Budgets: an answer reserves what it can cost before it is queued, and what it did cost is written down when it has ended."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from memory.budget import (
    EXTRA,
    LEAST_OUTPUT,
    NANO,
    NONE,
    RESULTS,
    Amount,
    Price,
    left,
    limited,
    limits_of,
    midnight,
    output,
    rest,
    room,
)
from memory.context import Composed
from memory.generation import Generation
from memory.handlers.reading import Snapshot
from memory.handlers.repetition import once
from memory.records import spending
from memory.records.idempotency import Key
from memory.tokens import tokens
from memory.transaction import Transaction
from shared.contract.acting import KeepRound
from shared.contract.budget import Charge, GetUsage, KeepRates, Measure, ModelUsage, UsageToday
from shared.contract.memory import Done
from shared.contract.objects import Sampling, Usage
from shared.errors import BudgetExhausted

FREE: Final = Price()


def reserve(tx: Transaction, generation: Generation, asked: str) -> Generation:
    """The generation with what it may cost. Raises BudgetExhausted when too little is left to answer `asked`."""
    if not limited(limits_of(tx.limits, generation.user)):
        return generation
    price = _price(tx, generation)
    most = price.of(tx.limits.prompt_tokens + EXTRA, _most_output(tx, Sampling.decode(generation.sampling), price))
    amount = _taken(tx, generation.user, price.of(tokens(asked) + EXTRA, LEAST_OUTPUT), most)
    return replace(generation, reserved=amount)


def _taken(tx: Transaction, user: str, least: Amount, most: Amount, own: Amount = NONE) -> Amount:
    """What is left of the day's budget of `most`; `own` is reserved for this already."""
    held = spending.reserved(tx.connection, user)
    others = Amount(held.tokens - own.tokens, held.cost - own.cost)
    found = left(limits_of(tx.limits, user), spending.used(tx.connection, user, _today(tx)), others)
    if not found.has(least):
        resets = midnight(tx.at)
        raise BudgetExhausted(retry_after=(resets - tx.at).total_seconds(), resetsAt=resets.isoformat().replace("+00:00", "Z"))
    return found.of(most)


def _price(tx: Transaction, generation: Generation) -> Price:
    """Of its model. When that is only known later, because a persona names it, the highest there is."""
    prices = spending.prices(tx.connection)
    if generation.model in prices and (generation.model or not generation.persona):
        return prices[generation.model]
    return _dearest(prices.values())


def _dearest(prices: Iterable[Price]) -> Price:
    known = list(prices)
    if not known:
        return FREE
    return Price(max(one.prompt for one in known), max(one.completion for one in known))


def _most_output(tx: Transaction, sampling: Sampling, price: Price) -> int:
    return min(sampling.max_tokens or tx.limits.budget_output_tokens, price.output or tx.limits.budget_output_tokens)


def prompt_room(tx: Transaction, generation: Generation) -> int:
    """Tokens that the prompt of this answer may have."""
    limits = limits_of(tx.limits, generation.user)
    if not limited(limits):
        return limits.prompt_tokens
    return room(limits, generation.reserved, _price(tx, generation))


def capped(tx: Transaction, generation: Generation, model: str | None, composed: Composed, sampling: Sampling) -> Sampling:
    """How much it may say at most, for what is reserved. What it surely won't need is free for others again."""
    limits = limits_of(tx.limits, generation.user)
    if not limited(limits):
        return sampling
    prices = spending.prices(tx.connection)
    price = prices.get(model) or _dearest(prices.values())
    prompt = _size(composed)
    most = output(limits, generation.reserved, price, prompt, _most_output(tx, sampling, price))
    spending.prompted(tx.connection, generation.id, prompt)
    if not generation.rounds:
        needed = price.of(prompt + EXTRA, most)
        kept = Amount(min(needed.tokens, generation.reserved.tokens), min(needed.cost, generation.reserved.cost))
        spending.reserve(tx.connection, generation.id, kept)
    return sampling.model_copy(update={"max_tokens": most})


def _size(composed: Composed) -> int:
    texts = [composed.instructions, composed.acting, composed.context, *(message.text for message in composed.messages)]
    return sum(tokens(text) for text in texts if text)


def next_round(tx: Transaction, generation: Generation, question: KeepRound) -> None:
    """Settles a round, and reserves for the next one. Raises BudgetExhausted."""
    if question.usage is not None:
        _spend(tx, generation.user, question.model or generation.model, question.usage)
    if not limited(limits_of(tx.limits, generation.user)):
        return
    price = _price(tx, generation)
    before = question.usage.prompt_tokens + question.usage.completion_tokens if question.usage else generation.prompt_tokens
    most = price.of(before + RESULTS + EXTRA, _most_output(tx, Sampling.decode(generation.sampling), price))
    amount = _taken(tx, generation.user, price.of(before, LEAST_OUTPUT), most, generation.reserved)
    spending.reserve(tx.connection, generation.id, amount)


def settle(
    tx: Transaction, generation: Generation, text: str, model: str | None, usage: Usage | None, counted: Usage | None
) -> None:
    """Writes down what the answer has cost beyond what was `counted` by rounds; an estimate when its model does not count."""
    if usage is None and text and generation.epoch:
        words = tokens(text)
        prompt = generation.prompt_tokens
        usage = Usage(prompt_tokens=prompt, completion_tokens=words, total_tokens=prompt + words, estimated=True)
    if usage is not None:
        _spend(tx, generation.user, model or generation.model, rest(usage, counted), answers=1)


def _spend(tx: Transaction, user: str, model: str | None, usage: Usage, answers: int = 0) -> None:
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    price = spending.prices(tx.connection).get(model, FREE)
    about = ModelUsage(model=model or "default", answers=answers, prompt_tokens=prompt, completion_tokens=completion, cost=0)
    spending.add(tx.connection, user, _today(tx), about, price.of(prompt, completion).cost)


def _today(tx: Transaction) -> str:
    return tx.at.date().isoformat()


# --- from others' side -----------------------------------------------------------------------------------------------


def keep_rates(tx: Transaction, question: KeepRates) -> Done:
    """Remembers what models cost."""
    spending.keep_rates(tx.connection, question.rates)
    return Done()


def charge(tx: Transaction, question: Charge) -> Done:
    """Writes down what work in the background has cost."""

    def spend() -> Done:
        _spend(tx, question.user, question.model, question.usage)
        return Done()

    return once(tx, Key(question.user, "charge", question.operation_id), question, Done, spend)


def get_usage(view: Snapshot, question: GetUsage) -> UsageToday:
    """What was used of today's budget, and what is left."""
    date, limits = view.at.date().isoformat(), limits_of(view.limits, question.user)
    used = spending.used(view.connection, question.user, date)
    reserved = spending.reserved(view.connection, question.user)
    free = left(limits, used, reserved)
    return UsageToday(
        date=date,
        resets_at=midnight(view.at),
        tokens=Measure(used=used.tokens, reserved=reserved.tokens, limit=limits.budget_tokens or None, left=free.tokens),
        cost=Measure(
            used=used.cost / NANO,
            reserved=reserved.cost / NANO,
            limit=limits.budget_cost or None,
            left=None if free.cost is None else free.cost / NANO,
            currency="USD",
        ),
        models=spending.by_model(view.connection, question.user, date),
    )
