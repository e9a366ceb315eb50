"""A worker that can die or freeze between any two pieces of an answer; memory and the token log, here as objects, live on."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace

from inference.adapters.redacting import Redacting
from inference.attempt import Surroundings
from inference.delta import Delta
from inference.dialect import Normalizer
from inference.lines import Clock
from inference.models import Models
from inference.pacer import Pacer
from inference.prompt import Prompt
from inference.settings import InferenceSettings
from inference.tags import Tags
from inference.worker import Worker
from shared.bus import Delivery, Fenced, Later, Stored
from shared.contract import inference, memory
from shared.contract.inference import Generate, StopNow
from shared.contract.objects import Problem, PromptMessage
from shared.errors import LostLease, Unavailable

G = "g_1"
EMAIL = "ana@example.com"
ORDER = Generate(generation_id=G, user="ana", conversation_id="c_1")
CARD = inference.Model(id="m", description="", kind="openai", capabilities=[])


@dataclass
class World:
    """The generation as memory keeps it, and its token log. `acks`: turns of the loop that each ack takes, over and over."""

    acks: tuple[int, ...]
    log: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    status: str = "queued"
    epoch: int = 0
    stop: bool = False
    abandoned: Problem | None = None
    end: memory.FinishGeneration | None = None

    def claim(self) -> memory.Claim:
        if self.status not in ("queued", "running"):
            return memory.Claim(decision="done")
        self.epoch, self.status = self.epoch + 1, "running"
        given_up = None if self.stop else self.abandoned
        return memory.Claim(
            decision="run",
            user="ana",
            conversation_id="c_1",
            answer_id="m_2",
            epoch=self.epoch,
            stop=self.stop or self.abandoned is not None,
            problem=given_up,
            lease_seconds=6.0,
            messages=[PromptMessage(role="user", text=f"write to {EMAIL}")],
        )

    def held(self, epoch: int) -> None:
        if self.status != "running" or self.epoch != epoch:
            raise LostLease

    def finish(self, question: memory.FinishGeneration) -> None:
        if self.end is None:
            self.held(question.epoch)
            self.end, self.status = question, question.outcome
        elif (self.end.epoch, self.end.outcome) != (question.epoch, question.outcome):
            raise LostLease

    def append(self, kind: str, data: bytes, expect: int) -> int:
        if (self.log[-1][0] if self.log else 0) != expect:
            raise Fenced
        assert self.end is None, "said after the end"
        self.log.append((len(self.log) + 1, kind.encode(), data))
        return len(self.log)

    @property
    def shown(self) -> str:
        """What a reader has by now."""
        text = ""
        for _, kind, data in self.log:
            if kind.startswith(b"generation."):
                text = ""
            elif kind == b"llm.token":
                text += json.loads(data)["token"]
        return text


class Process:
    """One worker process, which says `chunks` when it is asked; before number `when` it calls `what`."""

    def __init__(self, world: World, chunks: list[bytes], when: int, what: Callable[["Process"], Awaitable[None]]) -> None:
        self.world, self._chunks, self._when, self._what = world, chunks, when, what
        self.dead = False
        self.awake = asyncio.Event()
        self.awake.set()
        self._acks = 0
        model = Redacting(SimpleNamespace(card=CARD, stream=self._stream))
        around = Surroundings(self, SimpleNamespace(), SimpleNamespace(), self, Pacer(0.0, 0.0), Clock())
        self.worker = Worker(InferenceSettings(idle_seconds=0.05, first_token_seconds=0.05), "w", Models([model]), around)

    async def run(self) -> None:
        """Does the order; the task of it can be cancelled, as a process that has to leave does."""
        with suppress(Later):
            await self.worker.generate(ORDER, Delivery(1, last=False))

    def stop(self) -> None:
        self.worker.stop(StopNow(generation_id=G))

    async def _stream(self, _: Prompt) -> AsyncGenerator[Delta, None]:
        said, tags = Normalizer(), Tags(("think", "tool_call"))
        for number, chunk in enumerate(self._chunks):
            if number == self._when:
                await self._what(self)
            await asyncio.sleep(0)
            for delta in tags.through(said.feed(chunk)):
                yield delta
        for delta in tags.through(said.close()):
            yield delta
        if said.failure is not None:
            raise said.failure

    async def _reach(self) -> World:
        await asyncio.sleep(0)
        await self.awake.wait()
        if self.dead:
            raise Unavailable(retry_after=0.0)
        return self.world

    # --- memory -----------------------------------------------------------------------------------------------------------

    async def claim(self, _: memory.ClaimGeneration) -> memory.Claim:
        return (await self._reach()).claim()

    async def renew(self, question: memory.RenewLease) -> memory.Lease:
        (world := await self._reach()).held(question.epoch)
        return memory.Lease(lease_seconds=6.0, stop=world.stop)

    async def finish(self, question: memory.FinishGeneration) -> memory.GenerationState:
        (await self._reach()).finish(question)
        return memory.GenerationState(generation_id=G, status=question.outcome)

    async def release(self, question: memory.ReleaseGeneration) -> memory.GenerationState:
        (world := await self._reach()).held(question.epoch)
        world.status = "queued"
        return memory.GenerationState(generation_id=G, status="queued")

    # --- the token log ----------------------------------------------------------------------------------------------------

    def append(self, _: str, data: bytes, *, type: str, ttl: int, expect: int) -> asyncio.Future[Stored]:  # noqa: A002
        return asyncio.ensure_future(self._append(type, data, expect))

    async def _append(self, kind: str, data: bytes, expect: int) -> Stored:
        turns = self.world.acks[self._acks % len(self.world.acks)]
        self._acks += 1
        await self._reach()
        sequence = self.world.append(kind, data, expect)
        for _ in range(turns):
            await asyncio.sleep(0)
        await self._reach()
        return Stored(sequence)

    async def last(self, _: str) -> tuple[int, bytes] | None:
        log = (await self._reach()).log
        return (log[-1][0], log[-1][2]) if log else None

    async def read(self, _: str) -> list[tuple[int, bytes, bytes]]:
        return list((await self._reach()).log)
