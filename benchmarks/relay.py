"""The relay alone: tokens published straight onto the stream, one gateway process, readers over HTTP. Against the usual ways.

Prints Markdown tables. Everything runs on the loopback, is bounded, and stops by itself. `--quick` does a tenth of it.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import nats
import psutil
from nats.js.api import RePublish, StorageType, StreamConfig

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.machine import free_port, machine  # noqa: E402 - this file is started as a program
from colloquy.nats_server import find_binary  # noqa: E402
from shared.contract.streams import STREAMS  # noqa: E402
from shared.contract.subjects import FEED_STREAMS  # noqa: E402

SCALE = 0.1 if "--quick" in sys.argv else 1.0
BURST = {"ours": int(200_000 * SCALE), "usual": int(20_000 * SCALE), "consumers": int(20_000 * SCALE)}
PACED_STREAMS, PACED_RATE, PACED_SECONDS = 400, 50, max(3, int(10 * SCALE))
OPEN_STREAMS = int(10_000 * SCALE)
BACK_READERS, BACK_EVENTS = 1000, 100


class Program:
    """One of our own programs that is told what to do by lines of JSON."""

    def __init__(self, name: str, *arguments: str) -> None:
        code = f"from benchmarks.{name} import main; main()"
        command = [sys.executable, "-c", code, *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.usage = psutil.Process(self.process.pid)

    def tell(self, what: str, *arguments: object) -> None:
        """Begins it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([what, arguments]) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        """What it says next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args!r} ended")
        return json.loads(line)

    def do(self, what: str, *arguments: object) -> Any:
        """Does it, and answers when it is done."""
        self.tell(what, *arguments)
        return self.hear()

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        times = self.usage.cpu_times()
        return times.user + times.system

    def stop(self) -> None:
        """Ends it."""
        self.process.kill()
        self.process.wait()


@contextmanager
def nats_server() -> Iterator[str]:
    """Its streams in memory: what is measured here is not the disk."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [str(find_binary()), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                url = f"nats://127.0.0.1:{port}"
                asyncio.run(make_streams(url))
                yield url
            finally:
                process.terminate()


async def make_streams(url: str) -> None:
    """The feed streams as the contract has them, emptied."""
    for _ in range(100):
        try:
            client = await nats.connect(url, allow_reconnect=False, error_cb=_ignore)
            break
        except OSError:
            await asyncio.sleep(0.05)
    else:
        raise SystemExit("nats-server did not start")
    for stream in STREAMS:
        if stream.name in FEED_STREAMS and stream.republish:
            source, target = stream.republish
            await client.jetstream().add_stream(
                StreamConfig(
                    name=stream.name,
                    subjects=list(stream.subjects),
                    storage=StorageType.MEMORY,
                    allow_direct=True,
                    republish=RePublish(src=source, dest=target),
                )
            )
    await client.close()


async def _ignore(_: Exception) -> None:
    """The server isn't up yet."""


class Bench:
    """One gateway of a kind, a publisher and readers."""

    def __init__(self, mode: str, url: str, stack: ExitStack) -> None:
        self.mode = mode
        self.gateway = Program("relay_gateway", mode, url)
        stack.callback(self.gateway.stop)
        self.publisher = Program("relay_publisher", url)
        stack.callback(self.publisher.stop)
        self.readers = Program("relay_readers")
        stack.callback(self.readers.stop)
        self.port = int(self.gateway.hear())
        self.publisher.hear()

    def open(self, count: int, query: str = "", *, first: int = 0) -> float:
        """Opens streams and waits until each is followed; seconds."""
        seconds = self.readers.do("open", self.port, first, count, query)["seconds"]
        if not query:
            time.sleep(0.5)  # the usual ways subscribe only after they have answered
        return float(seconds)

    def memory(self) -> int:
        """Bytes that only the gateway has."""
        return int(self.gateway.usage.memory_full_info().uss)

    def burst(self, streams: int) -> tuple[float, float]:
        """µs of gateway CPU for an event, and events a second."""
        each = max(1, BURST[self.mode] // streams)
        total = streams * each
        self.readers.do("reset", False)
        before = self.gateway.cpu()
        self.publisher.tell("burst", streams, each)
        got = self.readers.do("wait", total, 60, False)
        self.publisher.hear()
        if got["events"] != total or got["ended"]:
            print(f"  ! {got['events']} of {total} events, {got['ended']} streams ended", flush=True)
        return (self.gateway.cpu() - before) / max(1, got["events"]) * 1e6, got["events"] / got["seconds"]

    def paced(self) -> tuple[float, float, float]:
        """Percent of a core, and milliseconds from the publisher's clock to the reader: p50 and p99."""
        each = PACED_RATE * PACED_SECONDS
        self.readers.do("reset", True)
        before, start = self.gateway.cpu(), time.monotonic()
        self.publisher.tell("pace", PACED_STREAMS, each, PACED_RATE)
        got = self.readers.do("wait", PACED_STREAMS * each, PACED_SECONDS * 3, True)
        self.publisher.hear()
        return (self.gateway.cpu() - before) / (time.monotonic() - start) * 100, got["p50"], got["p99"]


@contextmanager
def bench(mode: str) -> Iterator[Bench]:
    """Everything for one kind of gateway, fresh."""
    with nats_server() as url, ExitStack() as stack:
        yield Bench(mode, url, stack)


def saturated(mode: str, counts: tuple[int, ...]) -> None:
    """Rows of the first table."""
    for count in counts:
        with bench(mode) as run:
            run.open(count)
            run.burst(count)
            figures = [run.burst(count) for _ in range(3)]
        cpu, rate = (statistics.median(column) for column in zip(*figures, strict=True))
        print(f"| {mode} | {count:,} | {cpu:.1f} | {rate:,.0f} | {1e6 / cpu:,.0f} |", flush=True)


def paced(mode: str) -> None:
    """A row of the second table."""
    with bench(mode) as run:
        run.open(PACED_STREAMS)
        cpu, p50, p99 = run.paced()
    print(f"| {mode} | {cpu:.0f} % | {p50:.2f} | {p99:.2f} |", flush=True)


def held(mode: str, count: int) -> None:
    """A row of the third table."""
    with bench(mode) as run:
        run.open(50)
        run.burst(50)
        before = run.memory()
        seconds = run.open(count, first=50)
        kib = (run.memory() - before) / count / 1024
        run.readers.do("reset", False)
        run.publisher.do("burst", count, 1)
        got = run.readers.do("wait", count, 30, False)
    heard = got["events"]
    print(f"| {mode} | {count:,} | {kib:.1f} | {seconds:.1f} | {heard:,} of {count:,}, {got['ended']} cut |", flush=True)


def back() -> None:
    """A row of the last table: readers that come back at once, each with a past to replay."""
    with bench("ours") as run:
        run.publisher.do("burst", BACK_READERS, BACK_EVENTS)
        seconds: list[float] = []
        for _ in range(4):
            before, start = run.gateway.cpu(), time.monotonic()
            run.readers.do("open", run.port, 0, BACK_READERS, "?all")
            got = run.readers.do("wait", BACK_READERS * BACK_EVENTS, 30, False)
            seconds.append(time.monotonic() - start)
            print(
                f"| {seconds[-1]:.2f} | {got['events']:,}, {got['ended']} cut | {run.gateway.cpu() - before:.2f} |", flush=True
            )
            run.readers.do("close")
            time.sleep(0.5)


def title(*columns: str) -> None:
    """A table's head."""
    print("\n| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)


def main() -> None:
    """All tables, or those named: saturated, paced, held, back."""
    wanted = [name for name in sys.argv[1:] if not name.startswith("-")] or ["saturated", "paced", "held", "back"]
    print(f"Relay, {machine()}. The other programs of the measurement share the cores.", flush=True)
    if "saturated" in wanted:
        title("gateway", "streams", "µs of gateway CPU per event", "events/s measured", "events/s a core would do")
        saturated("ours", (1, 100, 1000))
        saturated("usual", (1, 100, 1000))
        saturated("consumers", (1, 100))
    if "paced" in wanted:
        title("gateway", f"CPU of a core at {PACED_STREAMS} × {PACED_RATE}/s", "added latency p50 ms", "p99 ms")
        for mode in ("ours", "usual"):
            paced(mode)
    if "held" in wanted:
        title("gateway", "open streams", "KiB each", "seconds to open", "events heard, streams cut")
        held("ours", OPEN_STREAMS)
        held("usual", min(2000, OPEN_STREAMS))
        held("consumers", min(500, OPEN_STREAMS))
    if "back" in wanted:
        title(f"seconds until {BACK_READERS:,} readers have {BACK_EVENTS} each", "events, streams cut", "CPU s of the gateway")
        back()


if __name__ == "__main__":
    main()
