"""Memory, asked over the bus."""

from shared.bus import Bus
from shared.contract import budget, knowledge, memory

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
