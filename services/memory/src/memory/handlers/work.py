"""A turn from the worker's side: claim, renew, finish, release, abandon."""

from dataclasses import replace

from memory.action import NOTHING, requested
from memory.call import carried
from memory.demands import demanded, led
from memory.generation import Generation, claim, held, lease_left, repeats
from memory.handlers import digests
from memory.handlers.endings import STOPPED, Ending, end, move_up
from memory.handlers.outputs import Source, carry_out
from memory.handlers.prompting import Given, given
from memory.records import digests as digest_records
from memory.records import generations, rounds
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
from shared.contract.objects import Problem
from shared.errors import LostLease


def claim_generation(tx: Transaction, question: ClaimGeneration) -> Claim:
    """Gives a worker the generation, with all it needs to answer."""
    generation, opened = generations.with_open(tx.connection, question.generation_id)
    grant = claim(generation, opened, tx.ticks, tx.limits.lease_seconds)
    if grant.decision != "run" or generation is None:
        return Claim(decision=grant.decision, lease_seconds=grant.seconds)
    prompt = given(tx, generation)
    crowded = prompt.composed.crowded
    generations.begin(tx.connection, generation.id, grant.epoch, tx.ticks + grant.seconds, question.worker, crowded=crowded)
    return _granted(tx, generation, grant.epoch, prompt)


def _granted(tx: Transaction, generation: Generation, epoch: int, prompt: Given) -> Claim:
    return Claim(
        decision="run",
        lease_seconds=tx.limits.lease_seconds,
        stop=generation.stop_requested or generation.abandoned is not None,
        problem=None if generation.stop_requested or generation.abandoned is None else Problem.decode(generation.abandoned),
        epoch=epoch,
        user=generation.user,
        conversation_id=generation.conversation_id,
        answer_id=generation.answer_id,
        model=prompt.model,
        persona=generation.persona,
        language=generation.language,
        sampling=prompt.sampling,
        instructions=prompt.composed.instructions,
        acting=prompt.composed.acting,
        context=prompt.composed.context,
        messages=led(generation.demands, prompt.composed.messages),
        **demanded(generation.demands),
        untrusted=prompt.composed.untrusted,
        rounds=carried(rounds.of(tx.connection, generation.id)) if generation.rounds else [],
        preferences=prompt.preferences,
        temporary=prompt.temporary,
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
        running = held(generation, question.epoch)
        if question.outcome == "completed":
            _complete(tx, running, opened, question)
        else:
            _end_and_move_up(tx, running, opened, _ending(question))
    return GenerationState(generation_id=question.generation_id, status=question.outcome)


def _complete(tx: Transaction, generation: Generation, opened: list[Generation], question: FinishGeneration) -> None:
    """With what the answer asks for, told before its end; and what its conversation needs from now on, ordered after it."""
    standing = digest_records.standing(tx.connection, generation.conversation_id)
    # Nobody sees a temporary conversation again, and clients that only want a text from a model use one: JSON in it is theirs.
    acting = question.heed and standing is not None and not standing.temporary
    request = requested(generation.user, question.text, question.actions) if acting else NOTHING
    done = carry_out(tx, request, Source.of(generation)).done
    _end_and_move_up(tx, generation, opened, replace(_ending(question), actions=tuple(done)))
    if request.summary:
        digests.keep_summary(tx, generation.conversation_id, request.summary, generation.answer_id)
    if standing is not None:
        digests.order(tx, generation.conversation_id, standing, crowded=generation.crowded and not request.summary)


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
        tool_calls=question.tool_calls,
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
    """Ends it as failed, unless it has ended. What was begun has a text, which only a worker can save: it is ordered once more
    for that. While a worker still holds it, that waits until its lease is over: a doubled order can be given up while the
    answer streams, or waits for a decision.
    """
    generation, opened = generations.with_open(tx.connection, question.generation_id)
    if generation is None:
        raise LostLease
    if not generation.open or generation.status == "waiting":
        return GenerationState(generation_id=generation.id, status=generation.status)
    held_yet = lease_left(generation, tx.ticks) > 0
    if not generation.epoch or (generation.abandoned is not None and not held_yet):
        return _give_up(tx, generation, opened, question.error)
    generations.abandon(tx.connection, generation.id, question.error.encode().decode())
    if not held_yet:
        generations.ordered(tx.connection, generation.id, tx.ticks, again=False)
        tx.order(generation.user, generation.conversation_id, generation.id)
    return GenerationState(generation_id=generation.id, status=generation.status)


def _give_up(tx: Transaction, generation: Generation, opened: list[Generation], error: Problem) -> GenerationState:
    ending = STOPPED if generation.stop_requested else Ending("failed", error=error)
    _end_and_move_up(tx, generation, opened, ending)
    return GenerationState(generation_id=generation.id, status=ending.outcome)
