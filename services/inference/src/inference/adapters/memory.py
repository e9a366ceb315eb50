"""Memory, asked over the bus."""

from typing import Any

from shared.bus import Bus
from shared.contract import acting, budget, knowledge, memory, state
from shared.contract.tools import Round, ToolCallState

RENEWAL_TIMEOUT = 1.5
"""Seconds; shorter than the time to the next renewal."""


class BusMemory:
    """The calls of memory that a worker makes, as questions on the bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def claim(self, question: memory.ClaimGeneration) -> memory.Claim:
        """See the contract."""
        return await self._bus.ask(memory.CLAIM_GENERATION, question)

    async def renew(self, question: memory.RenewLease) -> memory.Lease:
        """Raises LostLease."""
        return await self._bus.ask(memory.RENEW_LEASE, question, timeout=RENEWAL_TIMEOUT)

    async def finish(self, question: memory.FinishGeneration) -> memory.GenerationState:
        """Raises LostLease."""
        return await self._bus.ask(memory.FINISH_GENERATION, question)

    async def release(self, question: memory.ReleaseGeneration) -> memory.GenerationState:
        """Raises LostLease."""
        return await self._bus.ask(memory.RELEASE_GENERATION, question, timeout=RENEWAL_TIMEOUT)

    async def abandon(self, question: memory.AbandonGeneration) -> memory.GenerationState:
        """See the contract."""
        return await self._bus.ask(memory.ABANDON_GENERATION, question)

    async def prepare_digest(self, question: knowledge.PrepareDigest) -> knowledge.DigestMaterial:
        """See the contract."""
        return await self._bus.ask(knowledge.PREPARE_DIGEST, question)

    async def store_digest(self, question: knowledge.StoreDigest) -> memory.Done:
        """See the contract."""
        return await self._bus.ask(knowledge.STORE_DIGEST, question)

    async def keep_rates(self, question: budget.KeepRates) -> memory.Done:
        """See the contract."""
        return await self._bus.ask(budget.KEEP_RATES, question)

    async def charge(self, question: budget.Charge) -> memory.Done:
        """See the contract."""
        return await self._bus.ask(budget.CHARGE, question)

    async def keep_round(self, question: acting.KeepRound) -> Round:
        """Raises LostLease, BudgetExhausted."""
        return await self._bus.ask(acting.KEEP_ROUND, question)

    async def begin_call(self, question: acting.BeginCall) -> ToolCallState:
        """Raises LostLease."""
        return await self._bus.ask(acting.BEGIN_CALL, question)

    async def keep_result(self, question: acting.KeepResult) -> memory.Done:
        """Raises LostLease."""
        return await self._bus.ask(acting.KEEP_RESULT, question)

    async def carry_out(self, question: acting.CarryOut) -> ToolCallState:
        """Raises LostLease."""
        return await self._bus.ask(acting.CARRY_OUT, question)

    async def suspend(self, question: acting.SuspendGeneration) -> memory.Done:
        """Raises LostLease."""
        return await self._bus.ask(acting.SUSPEND_GENERATION, question)

    async def preferences(self, user: str) -> dict[str, Any]:
        """What this person prefers."""
        return (await self._bus.ask(state.GET_PREFERENCES, state.GetPreferences(user=user))).preferences
