"""What inference needs from the world: models, memory, and a stream to write tokens to."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from typing import Any, Protocol

from inference.delta import Delta
from inference.prompt import Prompt
from inference.tools.offer import Offer, Offered
from shared.bus import Stored
from shared.contract import acting, budget, inference, knowledge, memory
from shared.contract.memory import Done
from shared.contract.subjects import Subject
from shared.contract.tools import Round, ToolCallState


class Model(Protocol):
    """Something that answers."""

    @property
    def card(self) -> inference.Model:
        """How it is named and shown."""
        ...

    def stream(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """The answer as it comes, with an `End` at its end. Raises ModelFailed.

        Closing it, or cancelling the task that reads it, closes the connection to the server behind it.
        """
        ...


class Memory(Protocol):
    """The calls of memory that a worker makes. All raise Unavailable when memory does not answer."""

    async def claim(self, question: memory.ClaimGeneration) -> memory.Claim:
        """See the contract."""
        ...

    async def renew(self, question: memory.RenewLease) -> memory.Lease:
        """Raises LostLease."""
        ...

    async def finish(self, question: memory.FinishGeneration) -> memory.GenerationState:
        """Raises LostLease."""
        ...

    async def release(self, question: memory.ReleaseGeneration) -> memory.GenerationState:
        """Raises LostLease."""
        ...

    async def abandon(self, question: memory.AbandonGeneration) -> memory.GenerationState:
        """See the contract."""
        ...


class Deeds(Protocol):
    """The calls of memory about tools. All raise LostLease, and Unavailable when memory does not answer."""

    async def keep_round(self, question: acting.KeepRound) -> Round:
        """Raises BudgetExhausted."""
        ...

    async def begin_call(self, question: acting.BeginCall) -> ToolCallState:
        """See the contract."""
        ...

    async def keep_result(self, question: acting.KeepResult) -> Done:
        """See the contract."""
        ...

    async def carry_out(self, question: acting.CarryOut) -> ToolCallState:
        """See the contract."""
        ...

    async def suspend(self, question: acting.SuspendGeneration) -> Done:
        """See the contract."""
        ...


class Tools(Protocol):
    """What can be done for a person."""

    async def offer(self, user: str, preferences: Mapping[str, Any], wanted: Collection[str] = ()) -> Offer:
        """The tools that this person has now. For those that are `wanted` it waits a while, if it has to."""
        ...

    async def call(self, user: str, offered: Offered, arguments: dict[str, Any], key: str) -> Any:
        """The tool's answer, as JSON that is safe to keep. Raises ToolFailed. `key` is the same wherever a call is repeated."""
        ...


class Digests(Protocol):
    """The calls of memory that make a digest. Both raise Unavailable when memory does not answer."""

    async def prepare_digest(self, question: knowledge.PrepareDigest) -> knowledge.DigestMaterial:
        """See the contract."""
        ...

    async def store_digest(self, question: knowledge.StoreDigest) -> Done:
        """See the contract."""
        ...


class Ledger(Protocol):
    """What memory keeps of money. Both raise Unavailable when memory does not answer."""

    async def keep_rates(self, question: budget.KeepRates) -> Done:
        """See the contract."""
        ...

    async def charge(self, question: budget.Charge) -> Done:
        """See the contract."""
        ...


class TokenStore(Protocol):
    """The part of the bus that keeps token logs; `shared.bus.Bus` is one."""

    def append(
        self,
        subject: Subject,
        data: bytes,
        *,
        type: str,  # noqa: A002 - the bus says so
        ttl: int,
        expect: int,
    ) -> asyncio.Future[Stored]:
        """Sends at once, fenced by `expect`; may raise a Fault. The future ends as Stored, Fenced, Unavailable, StorageFull."""
        ...

    async def last(self, subject: Subject) -> tuple[int, bytes] | None:
        """Sequence and data of the newest message, or None."""
        ...

    async def read(self, subject: Subject) -> list[tuple[int, bytes, bytes]]:
        """All stored messages as (sequence, event name, data), oldest first."""
        ...
