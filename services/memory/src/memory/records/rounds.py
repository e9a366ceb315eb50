"""Rounds of an answer, and the calls of tools in them."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update

from memory.call import Call
from memory.records.prepared import AnyRow, row, rows, run, run_all
from memory.tables import OF_TOOLS, generations
from memory.tool_tables import rounds, tool_calls
from shared.contract.acting import KeepRound
from shared.contract.objects import Problem, Usage
from shared.contract.person import DoneAction
from shared.contract.tools import CallStatus, Round, ToolCallState

_r, _c = rounds.c, tool_calls.c
_ROUNDS = select(rounds).where(_r.generation_id == bindparam("generation")).order_by(_r.number)
_CALLS = select(tool_calls).where(_c.generation_id == bindparam("generation")).order_by(_c.seq)
_CALL = select(tool_calls).where(_c.generation_id == bindparam("generation"), _c.call_id == bindparam("call"))
_KEEP_ROUND = insert(rounds)
_KEEP_CALL = insert(tool_calls)
_COUNT = update(generations).where(generations.c.id == bindparam("generation")).values(rounds=bindparam("count"))
_MINE = update(tool_calls).where(_c.generation_id == bindparam("generation"), _c.call_id == bindparam("call"))
_BEGIN = _MINE.values(status="running", epoch=bindparam("attempt"))
_DECIDE = _MINE.values(status=bindparam("new_status"), error=bindparam("new_error"))
_END = _MINE.values(
    status=bindparam("new_status"),
    result=bindparam("new_result"),
    error=bindparam("new_error"),
    done=bindparam("new_done"),
    ended_at=bindparam("at"),
)
_OLD = (
    select(_r.generation_id)
    .where(
        _r.created_at < bindparam("before"),
        exists().where(generations.c.id == _r.generation_id, generations.c.ended_at.is_not(None)),
    )
    .order_by(_r.created_at)
    .limit(bindparam("limit"))
)
_FORGET = tuple(delete(table).where(table.c.generation_id == bindparam("generation")) for table in OF_TOOLS)


def of(connection: Connection, generation_id: str) -> list[Round]:
    """The rounds of a generation with their calls, in order."""
    calls = of_calls(connection, generation_id)
    return [
        Round(
            number=found.number,
            text=found.text,
            usage=Usage.decode(found.usage) if found.usage else None,
            calls=[call.state for call in calls if call.round == found.number],
        )
        for found in rows(connection, _ROUNDS, {"generation": generation_id})
    ]


def model(connection: Connection, generation_id: str) -> str | None:
    """Which model said the last round."""
    found = rows(connection, _ROUNDS, {"generation": generation_id})
    return found[-1].model if found else None


def of_calls(connection: Connection, generation_id: str) -> list[Call]:
    """All calls of a generation, in order."""
    return [_call(found) for found in rows(connection, _CALLS, {"generation": generation_id})]


def call(connection: Connection, generation_id: str, call_id: str) -> Call | None:
    """One call."""
    found = row(connection, _CALL, {"generation": generation_id, "call": call_id})
    return None if found is None else _call(found)


def _call(found: AnyRow) -> Call:
    state = ToolCallState(
        id=found.call_id,
        name=found.name,
        arguments=json.loads(found.arguments),
        status=found.status,
        idempotent=bool(found.idempotent),
        result=None if found.result is None else json.loads(found.result),
        error=Problem.decode(found.error) if found.error else None,
        approval_id=found.approval_id,
    )
    return Call(state, found.round, found.epoch, DoneAction.decode(found.done) if found.done else None)


def keep(connection: Connection, question: KeepRound, calls: Sequence[ToolCallState], at: int) -> None:
    """Stores a new round with its calls."""
    of_round: dict[str, Any] = {"generation_id": question.generation_id, "user_id": question.user, "created_at": at}
    usage = None if question.usage is None else question.usage.encode().decode()
    about = {"number": question.number, "text": question.text, "model": question.model, "usage": usage}
    run(connection, _KEEP_ROUND, {**of_round, **about})
    run_all(connection, _KEEP_CALL, [{**of_round, "round": question.number, **_row(state)} for state in calls])
    run(connection, _COUNT, {"generation": question.generation_id, "count": question.number + 1})


def _row(state: ToolCallState) -> dict[str, Any]:
    return {
        "call_id": state.id,
        "name": state.name,
        "arguments": json.dumps(state.arguments),
        "status": state.status,
        "idempotent": state.idempotent,
        "approval_id": state.approval_id,
        "error": None if state.error is None else state.error.encode().decode(),
    }


def begin(connection: Connection, generation_id: str, call_id: str, epoch: int) -> None:
    """This attempt makes the call now."""
    run(connection, _BEGIN, {"generation": generation_id, "call": call_id, "attempt": epoch})


def decide(connection: Connection, generation_id: str, call_id: str, status: CallStatus, error: Problem | None) -> None:
    """It was decided whether the call may be made."""
    told = None if error is None else error.encode().decode()
    run(connection, _DECIDE, {"generation": generation_id, "call": call_id, "new_status": status, "new_error": told})


def end(connection: Connection, generation_id: str, state: ToolCallState, at: int, done: DoneAction | None = None) -> None:
    """Something has come of the call."""
    values = {
        "generation": generation_id,
        "call": state.id,
        "new_status": state.status,
        "new_result": None if state.result is None else json.dumps(state.result),
        "new_error": None if state.error is None else state.error.encode().decode(),
        "new_done": None if done is None else done.encode().decode(),
        "at": at,
    }
    run(connection, _END, values)


def any_old(connection: Connection, before: int) -> bool:
    """Whether there are rounds from before then of answers that have ended."""
    return bool(rows(connection, _OLD, {"before": before, "limit": 1}))


def forget(connection: Connection, before: int, limit: int) -> int:
    """Forgets how some answers that have ended came about: rounds, calls, approvals. Their messages keep what they show."""
    old = {found.generation_id for found in rows(connection, _OLD, {"before": before, "limit": limit})}
    for statement in _FORGET:
        run_all(connection, statement, [{"generation": generation_id} for generation_id in sorted(old)])
    return len(old)
