"""The token path of one worker process: fenced logs on a real nats-server, without a model.

How many events a second it publishes when every log has always something to say, each waiting for its ack; and how long text is
held back when many answers stream at reading speed. Prints Markdown tables, is bounded, and stops by itself.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop
from pydantic import SecretStr

from benchmarks.machine import machine
from colloquy.nats_server import NatsConfig, NatsServer, new_passwords
from inference.delta import Text
from inference.lines import Clock, Lines
from inference.pacer import Pacer
from inference.publisher import TokenLog
from shared.bus import Bus, connect
from shared.contract.memory import Claim
from shared.contract.streams import MIB
from shared.contract.subjects import token_log
from shared.provision import ProvisionSettings, provision
from shared.settings import NatsSettings

LOGS, EVENTS_EACH = 64, 400
ANSWERS, PACE, SECONDS = 200, 30, 8
TOKEN = "token "


@asynccontextmanager
async def connected() -> AsyncIterator[Bus]:
    """The bus of a worker, on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        config = NatsConfig(Path(folder) / "store", new_passwords(), 512 * MIB)
        server = NatsServer(config, config_file=Path(folder) / "nats.conf", log_file=Path(folder) / "nats.log")
        await server.start()
        try:
            await provision(server.url("admin"), ProvisionSettings(budget_bytes=512 * MIB))
            async with connect(NatsSettings(url=SecretStr(server.url("inference"))), "inference") as bus:
                yield bus
        finally:
            await server.kill()


class Timed:
    """The store of one log: notes when what was said first among the waiting text goes out, and when it is stored."""

    def __init__(self, bus: Bus, waits: list[float], acks: list[float]) -> None:
        self._bus, self._waits, self._acks = bus, waits, acks
        self.first: float | None = None
        self.stored = asyncio.Event()

    def append(self, subject: Any, data: bytes, **more: Any) -> asyncio.Future[Any]:
        """See the port."""
        now = time.perf_counter()
        if self.first is not None:
            self._waits.append(now - self.first)
            self.first = None
        ack = self._bus.append(subject, data, **more)
        ack.add_done_callback(lambda _: self._stored(now))
        return ack

    def _stored(self, sent: float) -> None:
        self._acks.append(time.perf_counter() - sent)
        self.stored.set()

    async def last(self, subject: Any) -> Any:
        """See the port."""
        return await self._bus.last(subject)

    async def read(self, subject: Any) -> Any:
        """See the port."""
        return await self._bus.read(subject)


def opened(number: int, store: Timed, pacer: Pacer, clock: Clock) -> TokenLog:
    """The log of one answer."""
    generation, user = f"g_{number}", f"user{number}"
    claim = Claim(decision="run", epoch=1, user=user, conversation_id=f"c_{number}", answer_id=f"m_{number}")
    return TokenLog(store, token_log(user, f"c_{number}", generation), Lines(generation, claim, clock), pacer, lambda: None)


async def burst(bus: Bus) -> tuple[float, float]:
    """Events a second, and µs of this process's CPU for each."""
    acks: list[float] = []
    clock = Clock()

    async def one(number: int) -> None:
        store = Timed(bus, [], acks)
        log = opened(number, store, Pacer(0.0, 0.0), clock)
        running = asyncio.ensure_future(log.run())
        log.begin("m")
        for _ in range(EVENTS_EACH):
            await store.stored.wait()
            store.stored.clear()
            log.write(Text, TOKEN)
        log.close()
        await running

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(number) for number in range(LOGS)))
    return len(acks) / (time.perf_counter() - began), (time.process_time() - cpu) * 1e6 / len(acks)


async def reading(bus: Bus) -> tuple[list[float], list[float], float]:
    """Seconds that text waited before it was sent, seconds to its ack, and the share of a core that this took."""
    waits: list[float] = []
    acks: list[float] = []
    pacer, clock = Pacer(), Clock()

    async def one(number: int) -> None:
        store = Timed(bus, waits, acks)
        log = opened(10_000 + number, store, pacer, clock)
        running = asyncio.ensure_future(log.run())
        log.begin("m")
        due = time.perf_counter() + number / ANSWERS / PACE
        for _ in range(PACE * SECONDS):
            due += 1 / PACE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            store.first = store.first or time.perf_counter()
            log.write(Text, TOKEN)
        log.close()
        await running

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(number) for number in range(ANSWERS)))
    return waits, acks, (time.process_time() - cpu) / (time.perf_counter() - began)


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def measure() -> None:
    """Both, on one server."""
    async with connected() as bus:
        rate, cost = await burst(bus)
        print(f"\n| logs | events/s | µs of worker CPU per event |\n|---|---|---|\n| {LOGS} | {rate:,.0f} | {cost:.1f} |")
        waits, acks, share = await reading(bus)
    held = f"{statistics.median(waits) * 1e3:.1f} | {percentile(waits, 0.99) * 1e3:.1f}"
    stored = f"{statistics.median(acks) * 1e3:.1f} | {percentile(acks, 0.99) * 1e3:.1f}"
    print("\n| answers × tokens/s | held back p50 ms | p99 ms | stored p50 ms | p99 ms | worker's CPU |")
    print("|---|---|---|---|---|---|")
    print(f"| {ANSWERS} × {PACE} | {held} | {stored} | {share:.0%} of a core |")


def main() -> None:
    """Runs both and prints the tables."""
    print(machine())
    uvloop.run(measure())


if __name__ == "__main__":
    main()
