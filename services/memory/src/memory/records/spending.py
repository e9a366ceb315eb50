"""What models cost, what users have spent each day (UTC), and what their open answers have reserved."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, func, select, update

from memory.budget import NANO, Amount, Price
from memory.records.prepared import row, rows, run, run_all
from memory.records.upserts import insert, upsert
from memory.tables import IS_OPEN, generations
from memory.tool_tables import rates, spending
from shared.contract.budget import ModelUsage, Rate

_s, _g = spending.c, generations.c
_NEW = insert(spending)
_ADDED = ("answers", "prompt_tokens", "completion_tokens", "cost")
_ADD = _NEW.on_conflict_do_update(
    index_elements=["user_id", "date", "model"], set_={name: _s[name] + _NEW.excluded[name] for name in _ADDED}
)
_USED = select(
    func.coalesce(func.sum(_s.prompt_tokens + _s.completion_tokens), 0).label("tokens"),
    func.coalesce(func.sum(_s.cost), 0).label("cost"),
).where(_s.user_id == bindparam("user"), _s.date == bindparam("date"))
_BY_MODEL = select(spending).where(_s.user_id == bindparam("user"), _s.date == bindparam("date")).order_by(_s.model)
_RESERVED = select(
    func.coalesce(func.sum(_g.reserved_tokens), 0).label("tokens"), func.coalesce(func.sum(_g.reserved_cost), 0).label("cost")
).where(_g.user_id == bindparam("user"), IS_OPEN)
_RESERVE = (
    update(generations)
    .where(_g.id == bindparam("generation"))
    .values(reserved_tokens=bindparam("some"), reserved_cost=bindparam("price"))
)
_PROMPT = update(generations).where(_g.id == bindparam("generation")).values(prompt_tokens=bindparam("some"))
_RATES = select(rates)
_KEEP_RATE = upsert(rates, ["model"], ["prompt_price", "completion_price", "max_output_tokens", "by_default"])
_FORGET_RATES = delete(rates)
_OLD = select(_s.seq).where(_s.date < bindparam("before")).limit(bindparam("limit"))
_FORGET = delete(spending).where(_s.seq == bindparam("number"))


def add(connection: Connection, user: str, date: str, usage: ModelUsage, cost: int) -> None:
    """This was spent on that day; `cost` in nano-USD."""
    counted = {"answers": usage.answers, "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
    run(connection, _ADD, {"user_id": user, "date": date, "model": usage.model, **counted, "cost": cost})


def used(connection: Connection, user: str, date: str) -> Amount:
    """What this user has spent on that day."""
    found = row(connection, _USED, {"user": user, "date": date})
    return Amount() if found is None else Amount(int(found.tokens), int(found.cost))


def by_model(connection: Connection, user: str, date: str) -> list[ModelUsage]:
    """The same for each model."""
    return [
        ModelUsage(
            model=found.model,
            answers=found.answers,
            prompt_tokens=found.prompt_tokens,
            completion_tokens=found.completion_tokens,
            cost=found.cost / NANO,
        )
        for found in rows(connection, _BY_MODEL, {"user": user, "date": date})
    ]


def reserved(connection: Connection, user: str) -> Amount:
    """What this user's open answers may still cost."""
    found = row(connection, _RESERVED, {"user": user})
    return Amount() if found is None else Amount(int(found.tokens), int(found.cost))


def reserve(connection: Connection, generation_id: str, amount: Amount) -> None:
    """This answer may cost so much. It is free again when the answer has ended, however that comes about."""
    run(connection, _RESERVE, {"generation": generation_id, "some": amount.tokens, "price": amount.cost})


def prompted(connection: Connection, generation_id: str, tokens: int) -> None:
    """Its prompt has about so many tokens."""
    run(connection, _PROMPT, {"generation": generation_id, "some": tokens})


def prices(connection: Connection) -> dict[str | None, Price]:
    """By model; that of the default model is also that of None."""
    found: dict[str | None, Price] = {}
    for one in rows(connection, _RATES, {}):
        found[one.model] = Price(one.prompt_price, one.completion_price, one.max_output_tokens)
        if one.by_default:
            found[None] = found[one.model]
    return found


def keep_rates(connection: Connection, given: Sequence[Rate]) -> None:
    """These are all models there are."""
    run(connection, _FORGET_RATES, {})
    run_all(connection, _KEEP_RATE, [_rate(rate) for rate in given])


def _rate(rate: Rate) -> dict[str, object]:
    return {
        "model": rate.model,
        "prompt_price": rate.prompt_price,
        "completion_price": rate.completion_price,
        "max_output_tokens": rate.max_output_tokens,
        "by_default": rate.default,
    }


def any_old(connection: Connection, before: str) -> bool:
    """Whether there is anything that was spent before that day."""
    return bool(rows(connection, _OLD, {"before": before, "limit": 1}))


def forget(connection: Connection, before: str, limit: int) -> int:
    """Forgets some of what was spent before that day; answers with how much."""
    old = rows(connection, _OLD, {"before": before, "limit": limit})
    run_all(connection, _FORGET, [{"number": found.seq} for found in old])
    return len(old)
