"""How generations end, and how those behind them move up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from memory.audit import Act, hash_of
from memory.call import Call, left, told
from memory.generation import CANCELLED, Generation, finish_reason, shift, stopping
from memory.handlers import auditing, budgets
from memory.handlers.approvals import withdraw
from memory.handlers.queueing import let_go, let_in, order, tell_place
from memory.message import Filling
from memory.records import generations, messages, rounds
from memory.transaction import Transaction
from shared.contract.events import MessageCancelled, MessageCompleted, MessageFailed
from shared.contract.objects import ChatMessage, FinishReason, Problem, Usage
from shared.contract.person import DoneAction
from shared.contract.streams import MAX_MESSAGE_BYTES
from shared.paragraphs import joined

HALF = MAX_MESSAGE_BYTES // 2 - 4096


@dataclass(frozen=True, slots=True)
class Ending:
    """How a generation ends."""

    outcome: Literal["completed", "failed", "cancelled"]
    text: str = ""
    model: str | None = None
    usage: Usage | None = None
    reason: FinishReason = "stop"
    error: Problem | None = None
    prompt_hash: str | None = None
    output_hash: str | None = None
    actions: tuple[DoneAction, ...] = ()
    tool_calls: list[dict[str, Any]] | None = None


STOPPED = Ending("cancelled", error=CANCELLED)


def end(tx: Transaction, generation: Generation, ending: Ending) -> None:
    """Fills the answer in, ends the generation, and tells so: the one terminal event there is."""
    counted = None
    if generation.rounds:
        ending, counted = _with_rounds(tx, generation, ending)
    error = None if ending.outcome == "completed" else ending.error or _problem(ending.outcome)
    reason = finish_reason(ending.outcome, ending.reason)
    filling = Filling(ending.outcome, ending.text, reason, ending.model, ending.usage, error, ending.actions, ending.tool_calls)
    message = messages.end(tx.connection, generation.answer_id, tx.version(generation.user), filling)
    generations.end(tx.connection, generation.id, ending.outcome, tx.micros, ending.prompt_hash, ending.output_hash)
    tx.tell(generation.user, _fact(tx, generation, message, error))
    tx.touch(generation.user, "messages")
    budgets.settle(tx, generation, ending.text, ending.model, ending.usage, counted)
    auditing.keep(tx, generation.user, _act(generation, ending))


def _with_rounds(tx: Transaction, generation: Generation, ending: Ending) -> tuple[Ending, Usage | None]:
    """The ending with what its rounds called and did; and their cost. One that brings no words of its own has theirs."""
    withdraw(tx, generation)
    calls = [_left(tx, generation, call) for call in rounds.of_calls(tx.connection, generation.id)]
    kept = rounds.of(tx.connection, generation.id)
    counted = summed([one.usage for one in kept if one.usage])
    whole = replace(
        ending,
        text=ending.text or joined(one.text for one in kept),
        model=ending.model or rounds.model(tx.connection, generation.id),
        usage=ending.usage or counted,
        actions=(*(call.done for call in calls if call.done), *ending.actions),
        tool_calls=[*told(calls), *(ending.tool_calls or ())],
    )
    return whole, counted


def _left(tx: Transaction, generation: Generation, call: Call) -> Call:
    """The call as the end of its answer leaves it."""
    if call.ended:
        return call
    status, error = left(call)
    state = call.state.model_copy(update={"status": status, "error": error})
    rounds.end(tx.connection, generation.id, state, tx.micros)
    return replace(call, state=state)


def summed(usages: Sequence[Usage]) -> Usage | None:
    """All of them together; None when nothing was counted."""
    if not usages:
        return None
    return Usage(
        prompt_tokens=sum(usage.prompt_tokens for usage in usages),
        completion_tokens=sum(usage.completion_tokens for usage in usages),
        total_tokens=sum(usage.total_tokens for usage in usages),
        estimated=True if any(usage.estimated for usage in usages) else None,
    )


def _act(generation: Generation, ending: Ending) -> Act:
    """For the audit. The hash is of the text that is stored, whatever the worker says."""
    return Act(
        f"answer.{ending.outcome}",
        generation.user,
        generation.conversation_id,
        generation.id,
        generation.answer_id,
        ending.model,
        ending.prompt_hash,
        hash_of(ending.text),
        tuple(action.object_id for action in ending.actions),
    )


def _problem(outcome: str) -> Problem:
    return CANCELLED if outcome == "cancelled" else Problem(code="failed", message="This answer could not be finished.")


def _fact(
    tx: Transaction, generation: Generation, message: ChatMessage, error: Problem | None
) -> MessageCompleted | MessageFailed | MessageCancelled:
    stamp: dict[str, Any] = tx.stamp(generation.user) | {
        "conversation_id": generation.conversation_id,
        "generation_id": generation.id,
        "message_id": message.id,
        "message": message,
    }
    if error is None:
        reason = message.finish_reason or "stop"
        return MessageCompleted(**stamp, usage=message.usage, model=message.model, finish_reason=reason)
    # The text is in `message` as well; twice it could be more than one NATS message holds.
    text = message.text if len(message.encode()) < HALF else ""
    kind = MessageFailed if message.status == "failed" else MessageCancelled
    return kind(**stamp, error=error, text=text)


def move_up(tx: Transaction, before: Sequence[Generation], ended: Sequence[Generation]) -> None:
    """After `ended` have left the conversation's open generations `before`: orders the next, tells the others their place."""
    gone = {generation.id for generation in ended}
    moves = shift(before, [generation for generation in before if generation.id not in gone])
    if moves.order is not None:
        generations.ordered(tx.connection, moves.order.id, tx.ticks, again=False)
        order(tx, moves.order)
    for generation, place in moves.places:
        tell_place(tx, generation, place)
    if ended:
        let_in(tx, ended[0].user)


def stop(tx: Transaction, targets: Sequence[Generation]) -> tuple[Generation, ...]:
    """Ends those that nobody has begun, and asks the workers of the others to end them. Returns those that have ended."""
    cancel, ask = stopping(targets)
    for generation in cancel:
        end(tx, generation, STOPPED)
    generations.request_stop(tx.connection, [generation.id for generation in ask])
    for generation in ask:
        tx.stop(generation.id)
        if generation.held_back:  # Its text is in its log, which only a worker can read.
            let_go(tx, generation)
    return cancel
