"""A turn from the worker's side: claim, renew, finish, release, abandon."""

from memory.generation import Generation, claim, held, lease_left, repeats
from memory.handlers.endings import STOPPED, Ending, end, move_up
from memory.message import prompt
from memory.records import generations, messages
from memory.transaction import Transaction
from shared.contract.memory import (
    AbandonGeneration,
    Claim,
    ClaimGeneration,
    FinishGeneration,
    GenerationState,
    Lease,
    ReleaseGeneration,
    RenewLease,
)
from shared.contract.objects import Problem, Sampling
from shared.errors import LostLease


def claim_generation(tx: Transaction, question: ClaimGeneration) -> Claim:
    """Gives a worker the generation, with all it needs to answer. On the path to the first token: three statements."""
    generation, opened = generations.with_open(tx.connection, question.generation_id)
    grant = claim(generation, opened, tx.ticks, tx.limits.lease_seconds)
    if grant.decision != "run" or generation is None:
        return Claim(decision=grant.decision, lease_seconds=grant.seconds)
    generations.begin(tx.connection, generation.id, grant.epoch, tx.ticks + grant.seconds, question.worker)
    return _granted(tx, generation, grant.epoch)


def _granted(tx: Transaction, generation: Generation, epoch: int) -> Claim:
    branch = messages.remembered(tx.connection, generation.user_message_id, tx.limits.prompt_messages)
    return Claim(
        decision="run",
        lease_seconds=tx.limits.lease_seconds,
        stop=generation.stop_requested,
        epoch=epoch,
        user=generation.user,
        conversation_id=generation.conversation_id,
        answer_id=generation.answer_id,
        model=generation.model,
        persona=generation.persona,
        language=generation.language,
        sampling=Sampling.decode(generation.sampling),
        messages=prompt(branch, tx.limits.prompt_tokens),
    )


def renew_lease(tx: Transaction, question: RenewLease) -> Lease:
    """The worker keeps it for another lease."""
    generation, _ = generations.with_open(tx.connection, question.generation_id)
    held(generation, question.epoch)
    generations.extend(tx.connection, question.generation_id, tx.ticks + tx.limits.lease_seconds)
    return Lease(lease_seconds=tx.limits.lease_seconds, stop=generation is not None and generation.stop_requested)


def finish_generation(tx: Transaction, question: FinishGeneration) -> GenerationState:
    """Ends it, if this attempt runs it. The same again changes nothing."""
    generation, opened = generations.with_open(tx.connection, question.generation_id)
    if not repeats(generation, question.epoch, question.outcome):
        _end_and_move_up(tx, held(generation, question.epoch), opened, _ending(question))
    return GenerationState(generation_id=question.generation_id, status=question.outcome)


def _ending(question: FinishGeneration) -> Ending:
    return Ending(
        question.outcome,
        question.text,
        question.model,
        question.usage,
        question.finish_reason,
        question.error,
        question.prompt_hash,
        question.output_hash,
    )


def _end_and_move_up(tx: Transaction, generation: Generation, opened: list[Generation], ending: Ending) -> None:
    end(tx, generation, ending)
    move_up(tx, opened, [generation])


def release_generation(tx: Transaction, question: ReleaseGeneration) -> GenerationState:
    """Queues it again, and orders it again. Nothing is told: it has begun, and another worker goes on."""
    generation, _ = generations.with_open(tx.connection, question.generation_id)
    if generation is not None and generation.status == "queued" and generation.epoch == question.epoch:
        return GenerationState(generation_id=generation.id, status="queued")
    running = held(generation, question.epoch)
    generations.give_back(tx.connection, running.id, tx.ticks)
    tx.order(running.user, running.conversation_id, running.id)
    return GenerationState(generation_id=running.id, status="queued")


def abandon_generation(tx: Transaction, question: AbandonGeneration) -> GenerationState:
    """Ends it as failed, unless it has ended. While a worker still holds it, that waits until its lease is over:
    a doubled order can be given up while the answer streams.
    """
    generation, opened = generations.with_open(tx.connection, question.generation_id)
    if generation is None:
        raise LostLease
    if not generation.open:
        return GenerationState(generation_id=generation.id, status=generation.status)
    if lease_left(generation, tx.ticks) > 0:
        generations.abandon(tx.connection, generation.id, question.error.encode().decode())
        return GenerationState(generation_id=generation.id, status=generation.status)
    return _give_up(tx, generation, opened, question.error)


def end_abandoned(tx: Transaction, generation_id: str) -> None:
    """Ends what was given up while a worker held it, when that one is silent too."""
    generation, opened = generations.with_open(tx.connection, generation_id)
    if generation is None or generation.abandoned is None or not generation.open or lease_left(generation, tx.ticks) > 0:
        return
    _give_up(tx, generation, opened, Problem.decode(generation.abandoned))


def _give_up(tx: Transaction, generation: Generation, opened: list[Generation], error: Problem) -> GenerationState:
    ending = STOPPED if generation.stop_requested else Ending("failed", error=error)
    _end_and_move_up(tx, generation, opened, ending)
    return GenerationState(generation_id=generation.id, status=ending.outcome)
