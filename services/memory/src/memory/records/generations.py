"""Generations: who answers what, how far it is, and whose turn it is."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, select, union_all, update

from memory.budget import NONE, Amount
from memory.generation import Generation
from memory.records.prepared import AnyRow, row, rows, run, run_all, scalar
from memory.tables import IS_OPEN, generations
from shared.contract.objects import GenerationStatus
from shared.errors import UnknownGeneration

_g = generations.c
_COLUMNS = select(
    _g.seq,
    _g.id,
    _g.conversation_id,
    _g.user_id,
    _g.user_message_id,
    _g.answer_id,
    _g.status,
    _g.epoch,
    _g.lease_until,
    _g.stop_requested,
    _g.model,
    _g.persona,
    _g.language,
    _g.sampling,
    _g.abandoned,
    _g.crowded,
    _g.demands,
    _g.rounds,
    _g.reserved_tokens,
    _g.reserved_cost,
    _g.prompt_tokens,
    _g.held_back,
)
_SELF = select(_g.conversation_id).where(_g.id == bindparam("generation")).scalar_subquery()
# Two looks into indexes: with `or` the database would go over all that the conversation has ever had.
_WITH_OPEN = union_all(
    _COLUMNS.where(_g.id == bindparam("generation")),
    _COLUMNS.where(_g.conversation_id == _SELF, _g.id != bindparam("generation"), IS_OPEN),
).order_by("seq")
_OF_USER = _COLUMNS.where(_g.user_id == bindparam("user"), IS_OPEN).order_by(_g.seq)
_OF_CONVERSATION = _COLUMNS.where(_g.conversation_id == bindparam("conversation"), IS_OPEN).order_by(_g.seq)
_ONE = _COLUMNS.where(_g.id == bindparam("generation"))
_OWNER = select(_g.user_id).where(_g.id == bindparam("generation"))
_NEWEST_ANSWER = (
    _COLUMNS.where(_g.user_message_id == bindparam("message"), _g.conversation_id == bindparam("conversation"))
    .order_by(_g.seq.desc())
    .limit(1)
)
_INSERT = insert(generations)
_CLAIM = (
    update(generations)
    .where(_g.id == bindparam("generation"))
    .values(
        status="running",
        epoch=bindparam("new_epoch"),
        lease_until=bindparam("until"),
        worker=bindparam("by"),
        crowded=bindparam("much"),
    )
)
_LEASE = update(generations).where(_g.id == bindparam("generation")).values(lease_until=bindparam("until"))
_RELEASE = (
    update(generations)
    .where(_g.id == bindparam("generation"))
    .values(status="queued", ordered_at=bindparam("now"), abandoned=None)
)
_HOLD = update(generations).where(_g.id == bindparam("generation")).values(held_back=bindparam("now_held"))
_HELD = _COLUMNS.where(_g.user_id == bindparam("user"), IS_OPEN, _g.held_back).order_by(_g.seq)
_SUSPEND = update(generations).where(_g.id == bindparam("generation")).values(status="waiting", abandoned=None)
_STOP = update(generations).where(_g.id == bindparam("generation")).values(stop_requested=True)
_ABANDON = update(generations).where(_g.id == bindparam("generation")).values(abandoned=bindparam("reason"))
_ORDERED = (
    update(generations)
    .where(_g.id == bindparam("generation"))
    .values(ordered_at=bindparam("now"), orders=_g.orders + bindparam("more"))
)
_END = (
    update(generations)
    .where(_g.id == bindparam("generation"))
    .values(
        status=bindparam("outcome"),
        ended_at=bindparam("at"),
        prompt_hash=bindparam("prompt"),
        output_hash=bindparam("output"),
    )
)
_OPEN_AGES = select(
    _g.id,
    _g.user_id,
    _g.conversation_id,
    _g.seq,
    _g.status,
    _g.lease_until,
    _g.ordered_at,
    _g.orders,
    _g.abandoned,
    _g.held_back,
).where(IS_OPEN)
_AFTER_START = update(generations).where(IS_OPEN).values(lease_until=bindparam("until"), ordered_at=bindparam("now"))


def _generation(row: AnyRow) -> Generation:
    return Generation(
        seq=row.seq,
        id=row.id,
        conversation_id=row.conversation_id,
        user=row.user_id,
        user_message_id=row.user_message_id,
        answer_id=row.answer_id,
        status=row.status,
        epoch=row.epoch,
        lease_until=row.lease_until,
        stop_requested=row.stop_requested,
        model=row.model,
        persona=row.persona,
        language=row.language,
        sampling=row.sampling,
        abandoned=row.abandoned,
        crowded=bool(row.crowded),
        demands=row.demands,
        rounds=row.rounds,
        reserved=Amount(row.reserved_tokens, row.reserved_cost) if row.reserved_tokens else NONE,
        prompt_tokens=row.prompt_tokens,
        held_back=bool(row.held_back),
    )


def with_open(connection: Connection, generation_id: str) -> tuple[Generation | None, list[Generation]]:
    """The generation, and all open ones of its conversation in order of acceptance, itself among them if it is open."""
    found = [_generation(row) for row in rows(connection, _WITH_OPEN, {"generation": generation_id})]
    itself = next((generation for generation in found if generation.id == generation_id), None)
    return itself, [generation for generation in found if generation.open]


def open_of_user(connection: Connection, user: str) -> list[Generation]:
    """This user's open generations in order of acceptance."""
    return [_generation(row) for row in rows(connection, _OF_USER, {"user": user})]


def open_of_conversation(connection: Connection, conversation_id: str) -> list[Generation]:
    """The conversation's open generations in order of acceptance."""
    return [_generation(row) for row in rows(connection, _OF_CONVERSATION, {"conversation": conversation_id})]


def get(connection: Connection, generation_id: str) -> Generation:
    """The generation. Raises UnknownGeneration."""
    found = row(connection, _ONE, {"generation": generation_id})
    if found is None:
        raise UnknownGeneration
    return _generation(found)


def owner(connection: Connection, generation_id: str) -> str:
    """Whose it is; nobody's when it does not exist."""
    return scalar(connection, _OWNER, {"generation": generation_id}) or ""


def newest_answer_to(connection: Connection, conversation_id: str, message_id: str) -> Generation | None:
    """The last generation that answers this user message."""
    found = row(connection, _NEWEST_ANSWER, {"conversation": conversation_id, "message": message_id})
    return None if found is None else _generation(found)


def keep(connection: Connection, generation: Generation, at: int, ticks: float) -> None:
    """Stores a new one, queued."""
    run(
        connection,
        _INSERT,
        {
            "id": generation.id,
            "conversation_id": generation.conversation_id,
            "user_id": generation.user,
            "user_message_id": generation.user_message_id,
            "answer_id": generation.answer_id,
            "status": "queued",
            "epoch": 0,
            "lease_until": 0.0,
            "ordered_at": ticks,
            "orders": 0,
            "stop_requested": False,
            "model": generation.model,
            "persona": generation.persona,
            "language": generation.language,
            "sampling": generation.sampling,
            "demands": generation.demands,
            "reserved_tokens": generation.reserved.tokens,
            "reserved_cost": generation.reserved.cost,
            "created_at": at,
        },
    )


def begin(connection: Connection, generation_id: str, epoch: int, until: float, worker: str, *, crowded: bool) -> None:
    """A worker runs it, until the lease ends. `crowded`: its conversation needs a summary."""
    values = {"generation": generation_id, "new_epoch": epoch, "until": until, "by": worker, "much": crowded}
    run(connection, _CLAIM, values)


def extend(connection: Connection, generation_id: str, until: float) -> None:
    """Its worker goes on."""
    run(connection, _LEASE, {"generation": generation_id, "until": until})


def give_back(connection: Connection, generation_id: str, ticks: float) -> None:
    """Its worker gives it back to the queue. That a doubled order was given up meanwhile says nothing about it."""
    run(connection, _RELEASE, {"generation": generation_id, "now": ticks})


def suspend(connection: Connection, generation_id: str) -> None:
    """Nobody holds it until somebody has decided. A doubled order that was given up meanwhile says nothing about it."""
    run(connection, _SUSPEND, {"generation": generation_id})


def hold(connection: Connection, generation_id: str, *, back: bool) -> None:
    """It is held back until fewer of its user's answers are under way, or no longer."""
    run(connection, _HOLD, {"generation": generation_id, "now_held": back})


def held_back(connection: Connection, user: str) -> list[Generation]:
    """This user's generations that are held back, in order of acceptance."""
    return [_generation(row) for row in rows(connection, _HELD, {"user": user})]


def request_stop(connection: Connection, ids: Sequence[str]) -> None:
    """Their workers shall end them."""
    run_all(connection, _STOP, [{"generation": generation_id} for generation_id in ids])


def abandon(connection: Connection, generation_id: str, reason: str) -> None:
    """The next worker that claims it ends it as failed; `reason` is a Problem in JSON."""
    run(connection, _ABANDON, {"generation": generation_id, "reason": reason})


def ordered(connection: Connection, generation_id: str, ticks: float, *, again: bool) -> None:
    """An order for it goes out now."""
    run(connection, _ORDERED, {"generation": generation_id, "now": ticks, "more": int(again)})


def end(
    connection: Connection,
    generation_id: str,
    outcome: GenerationStatus,
    at: int,
    prompt_hash: str | None = None,
    output_hash: str | None = None,
) -> None:
    """It has ended so."""
    run(
        connection,
        _END,
        {"generation": generation_id, "outcome": outcome, "at": at, "prompt": prompt_hash, "output": output_hash},
    )


def open_ages(connection: Connection) -> Sequence[AnyRow]:
    """Of every open generation what the sweep needs to know."""
    return rows(connection, _OPEN_AGES, {})


def after_start(connection: Connection, ticks: float, lease: float) -> None:
    """Workers could not renew while memory was away, and the clock may be of another boot: everybody gets a whole lease."""
    run(connection, _AFTER_START, {"until": ticks + lease, "now": ticks})
