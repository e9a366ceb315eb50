"""Carries out orders to generate: one order is one attempt, from the claim to the end."""

import structlog

from inference.answer import Answer
from inference.attempt import Asked, Attempt, Surroundings, begun
from inference.failure import NoSuchModel
from inference.guard import Deadlines, Guard, Stops
from inference.lease import insist
from inference.models import Models
from inference.outcome import CANCELLED, finish
from inference.ports import Model
from inference.prompt import prompt_of
from inference.salvage import Gone, saved
from inference.settings import InferenceSettings
from inference.tools.offer import Offer
from shared.bus import Delivery, Later
from shared.contract.inference import Generate, StopNow
from shared.contract.memory import AbandonGeneration, Claim, ClaimGeneration, FinishGeneration
from shared.contract.objects import Problem
from shared.errors import UnknownGeneration

log: structlog.stdlib.BoundLogger = structlog.get_logger()

GIVEN_UP = Problem(code="abandoned", message="No worker could finish this answer.")


class Worker:
    """One process's part of the work queue. `name` is what memory knows it by."""

    def __init__(self, settings: InferenceSettings, name: str, models: Models, around: Surroundings) -> None:
        self._settings = settings
        self._deadlines = Deadlines(settings.first_token_seconds, settings.idle_seconds, settings.total_seconds)
        self._name = name
        self._models = models
        self._around = around
        self._stops = Stops()

    async def generate(self, order: Generate, _delivery: Delivery) -> None:
        """Produces one answer. Returning means that the order needs nobody any more; raises Later otherwise."""
        guard = Guard(self._deadlines)
        with self._stops.watch(order.generation_id, guard):
            question = ClaimGeneration(generation_id=order.generation_id, user=order.user, worker=self._name)
            try:
                # Asked until memory answers: given back, the order would use up its deliveries while memory restarts.
                claim = await insist(self._around.memory.claim, question)
            except UnknownGeneration:
                return
            if claim.decision == "run":
                await self._run(order.generation_id, claim, guard)
            elif claim.decision == "wait":
                raise Later(claim.lease_seconds)

    async def abandon(self, order: Generate, reason: str) -> None:
        """The order went to the dead letters: its generation ends as failed."""
        log.error("generation.abandoned", generation=order.generation_id, reason=reason)
        question = AbandonGeneration(generation_id=order.generation_id, user=order.user, error=GIVEN_UP)
        await insist(self._around.memory.abandon, question)

    def stop(self, signal: StopNow) -> None:
        """Somebody stopped a generation: ours, or another worker's."""
        self._stops.stop(signal.generation_id)

    async def _run(self, generation: str, claim: Claim, guard: Guard) -> None:
        if claim.stop:
            await self._end(generation, claim, claim.problem)
            return
        try:
            model = self._models.answering(claim.model)
        except NoSuchModel as failure:
            await self._end(generation, claim, failure.problem)
            return
        tokens = await begun(generation, claim, model, guard, self._around)
        offer = await self._offer(claim, model)
        prompt = prompt_of(claim, self._settings.system_prompt, self._around.clock.now(), offer.specs)
        answer = Answer(self._settings.max_output_chars)
        again = await Attempt(generation, claim, Asked(model, prompt, offer), answer, guard, self._around, tokens).run()
        if again is not None:
            raise Later(again)

    async def _offer(self, claim: Claim, model: Model) -> Offer:
        """Our tools, unless the client brings its own, nobody sees the conversation again, or the model can't call any."""
        card = model.card
        able = card.kind in ("embedded", "recorded") or card.capabilities is None or "tools" in card.capabilities
        if claim.client_tools is not None or claim.temporary or not able:
            return Offer()
        wanted = [call.name for one in claim.rounds for call in one.calls if call.status in ("planned", "approved", "running")]
        return await self._around.tools.offer(claim.user, claim.preferences, wanted)

    async def _end(self, generation: str, claim: Claim, problem: Problem | None) -> None:
        """Nobody goes on with it: it was stopped, or there is a problem. What was said is what there is."""
        around, text = self._around, ""
        if claim.epoch > 1 or claim.rounds:
            try:
                text = await saved(around.store, generation, claim, claim.model or "", around.pacer, around.clock)
            except Gone:
                raise Later(claim.lease_seconds) from None
        end = FinishGeneration(
            generation_id=generation,
            user=claim.user,
            epoch=claim.epoch,
            outcome="failed" if problem else "cancelled",
            text=text,
            model=claim.model,
            finish_reason="error" if problem else "cancelled",
            error=problem or CANCELLED,
        )
        await finish(around.memory, end)
        log.info("generation.ended", generation=generation, epoch=claim.epoch, code=(problem or CANCELLED).code)
