"""Tools from the worker's side: rounds are kept, calls begun and ended, answers suspended. Fenced by the epoch (F28)."""

from typing import Any, TypeAlias

from memory.action import requested
from memory.audit import Act
from memory.call import REFUSED, Call, in_doubt, is_of, left, planned, refuse_doubled
from memory.generation import Generation, held
from memory.handlers import approvals, auditing, budgets
from memory.handlers.endings import STOPPED, end, move_up
from memory.handlers.outputs import Source, do
from memory.handlers.queueing import let_in
from memory.records import approvals as approval_records
from memory.records import digests, generations, rounds
from memory.transaction import Transaction
from shared.contract.acting import BeginCall, CarryOut, KeepResult, KeepRound, SuspendGeneration
from shared.contract.memory import Done
from shared.contract.objects import Problem
from shared.contract.person import Action, DoneAction
from shared.contract.tools import Round, ToolCallState
from shared.errors import IdempotencyMismatch, Invalid, Refused

OfCall: TypeAlias = BeginCall | KeepResult | CarryOut


def keep_round(tx: Transaction, question: KeepRound) -> Round:
    """Stores a round with its calls, and asks the person about those that need it."""
    generation = held(generations.with_open(tx.connection, question.generation_id)[0], question.epoch)
    if question.number < generation.rounds:
        known = rounds.of(tx.connection, generation.id)[question.number]
        if not is_of(known, question.calls):
            raise IdempotencyMismatch
        return known
    if question.number > generation.rounds:
        raise Invalid("An earlier round is missing.")
    refuse_doubled(question.calls, rounds.of_calls(tx.connection, generation.id) if generation.rounds else ())
    budgets.next_round(tx, generation, question)
    calls = [_asked(tx, generation, state) for state in map(planned, question.calls)]
    rounds.keep(tx.connection, question, calls, tx.micros)
    return Round(number=question.number, text=question.text, usage=question.usage, calls=calls)


def _asked(tx: Transaction, generation: Generation, call: ToolCallState) -> ToolCallState:
    return approvals.ask(tx, generation, call) if call.status == "waiting" else call


def begin_call(tx: Transaction, question: BeginCall) -> ToolCallState:
    """Writes down that the call is made now, if it may be made."""
    generation, call = _of(tx, question)
    if call.state.status in ("planned", "approved", "running") and not in_doubt(call, generation.epoch):
        rounds.begin(tx.connection, generation.id, call.state.id, generation.epoch)
        return call.state.model_copy(update={"status": "running"})
    if in_doubt(call, generation.epoch):
        status, error = left(call)
        return _end(tx, generation, call, {"status": status, "error": error})
    return call.state


def keep_result(tx: Transaction, question: KeepResult) -> Done:
    """Stores what came of a call."""
    generation, call = _of(tx, question)
    if not call.ended:
        _end(tx, generation, call, {name: getattr(question, name) for name in ("status", "result", "error")})
    elif call.state.status != question.status:
        raise IdempotencyMismatch
    return Done()


def carry_out(tx: Transaction, question: CarryOut) -> ToolCallState:
    """Does what the call asks of memory, and keeps what came of it."""
    generation, call = _of(tx, question)
    if call.ended or call.state.status == "waiting":
        return call.state
    outcome = _deed(tx, generation, question.action)
    if isinstance(outcome, Problem):
        return _end(tx, generation, call, {"status": "failed", "error": outcome})
    result, done = outcome
    return _end(tx, generation, call, {"status": "completed", "result": result}, done)


def _deed(tx: Transaction, generation: Generation, action: Action) -> Problem | tuple[dict[str, Any], DoneAction]:
    """What was made, as clients get it, and the action that was carried out; or why it was not."""
    standing = digests.standing(tx.connection, generation.conversation_id)
    if standing is None or standing.temporary:
        return REFUSED
    request = requested(generation.user, "", [action])
    if not request.orders:
        return Problem(code="invalid_arguments", message=f"This can't be done: {request.skipped[0].replace('_', ' ')}.")
    try:
        made, done = do(tx, request.orders[0], Source.of(generation))
    except Refused as refusal:
        return Problem(code=refusal.code, message=str(refusal))
    about = generation.conversation_id, generation.id, generation.answer_id
    auditing.keep(tx, generation.user, Act("action.carried_out", generation.user, *about, made=(done.object_id,)))
    return made.wire(), done


def suspend_generation(tx: Transaction, question: SuspendGeneration) -> Done:
    """Nobody holds it until somebody has decided."""
    generation, opened = generations.with_open(tx.connection, question.generation_id)
    if generation is not None and generation.epoch == question.epoch and generation.status in ("waiting", "queued"):
        return Done()
    running = held(generation, question.epoch)
    if running.stop_requested:
        end(tx, running, STOPPED)
        move_up(tx, opened, [running])
    elif approval_records.any_of(tx.connection, running.id):
        generations.suspend(tx.connection, running.id)
        let_in(tx, running.user)
    else:
        generations.give_back(tx.connection, running.id, tx.ticks)
        tx.order(running.user, running.conversation_id, running.id)
    return Done()


def _of(tx: Transaction, question: OfCall) -> tuple[Generation, Call]:
    """The generation, which this attempt runs, and the call. Raises LostLease, Invalid."""
    generation = held(generations.with_open(tx.connection, question.generation_id)[0], question.epoch)
    call = rounds.call(tx.connection, generation.id, question.call_id)
    if call is None:
        raise Invalid("There is no such call.")
    return generation, call


def _end(
    tx: Transaction, generation: Generation, call: Call, what: dict[str, Any], done: DoneAction | None = None
) -> ToolCallState:
    state = call.state.model_copy(update=what)
    rounds.end(tx.connection, generation.id, state, tx.micros, done)
    return state
