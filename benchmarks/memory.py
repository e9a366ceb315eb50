"""Memory over the bus: appends, context, search, snapshots, in front of a database that is large. Against the bare database.

Prints Markdown tables. Everything runs on the loopback, is bounded, and stops by itself. `--quick` does a fiftieth of it,
`--postgres` measures PostgreSQL instead of SQLite, `--messages N` and `--appends N` set the sizes.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.postgres import postgres  # noqa: E402

from benchmarks.machine import machine  # noqa: E402 - this file is started as a program
from benchmarks.memory_bare import postgres_alone, sqlite_alone  # noqa: E402
from benchmarks.memory_fill import CJK, COMMON, PHRASE, fill, rare  # noqa: E402
from benchmarks.memory_system import System, folder, system  # noqa: E402
from shared.contract.knowledge import SEARCH, Search  # noqa: E402
from shared.contract.memory import (  # noqa: E402
    CLAIM_GENERATION,
    CREATE_CONVERSATION,
    FINISH_GENERATION,
    SEND_MESSAGE,
    UPDATE_CONVERSATION,
    ClaimGeneration,
    CreateConversation,
    FinishGeneration,
    SendMessage,
    UpdateConversation,
)
from shared.contract.state import CREATE_NOTE, GET_STATE, CreateNote, GetState  # noqa: E402
from shared.errors import Busy  # noqa: E402

CLIENTS = 64
WARM = 50
PATIENT = 60.0
CLAIMS = 200
INDEX_SECONDS = 1800.0
INDEX_LOOK_SECONDS = 0.5
LONG = 10_000
"""Messages of the conversation whose context is asked for."""

SNAPSHOT = 100_000
"""Messages of the user whose snapshot is asked for."""

TEXT = "hello there, this is what a short message looks like"

Ask = Callable[[int], Awaitable[Any]]


class Sizes:
    """How much of everything."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        share = 0.02 if arguments.quick else 1.0
        self.alone = max(50, int(1000 * share))
        self.together = max(500, int(20_000 * share))
        self.appends: int = arguments.appends or int(100_000 * share)
        self.messages: int = arguments.messages or int(1_000_000 * share)
        self.long, self.snapshot = int(LONG * max(share, 0.1)), int(SNAPSHOT * max(share, 0.1))


async def alone(ask: Ask, count: int) -> str:
    """Median and 99th percentile in ms of one after the other."""
    for number in range(WARM):
        await ask(number)
    times: list[float] = []
    for number in range(WARM, WARM + count):
        began = time.perf_counter()
        await ask(number)
        times.append((time.perf_counter() - began) * 1000)
    return f"{statistics.median(times):.2f} | {sorted(times)[int(len(times) * 0.99)]:.2f}"


async def together(ask: Ask, count: int, first: int) -> float:
    """How many per second from 64 clients at once, each one after the other."""
    numbers = iter(range(first, first + count))

    async def client() -> None:
        for number in numbers:
            await ask(number)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(client())
    return count / (time.perf_counter() - began)


# --- appends ----------------------------------------------------------------------------------------------------------


def appending(here: System) -> dict[str, Ask]:
    """The kinds of append. Many users: nobody has 64 hands."""

    async def note(number: int) -> None:
        await here.bus.ask(CREATE_NOTE, CreateNote(user=f"n{number % 5000}", text=TEXT), timeout=PATIENT)

    async def message(number: int) -> None:
        await here.bus.ask(SEND_MESSAGE, SendMessage(user=f"s{number % 5000}", text=TEXT), timeout=PATIENT)

    async def conversation(number: int) -> None:
        await here.bus.ask(CREATE_CONVERSATION, CreateConversation(user=f"c{number % 5000}"), timeout=PATIENT)

    return {
        "a note (row, version, 2 events)": note,
        "an empty conversation (row, version, 2 events)": conversation,
        "a message that begins a conversation (4 rows, version, 4 events, order)": message,
    }


async def appends(here: System, sizes: Sizes) -> None:
    """Over the bus, alone and from 64 clients."""
    for name, ask in appending(here).items():
        p50 = await alone(ask, sizes.alone)
        before = here.cpu()
        rate = await together(ask, sizes.together, 100_000)
        spent = [(after - then) * 1e6 / sizes.together for after, then in zip(here.cpu(), before, strict=True)]
        print(f"| {name} | {p50} | {rate:,.0f} | {spent[0]:.0f} | {spent[1]:.0f} |", flush=True)


async def flat(here: System, sizes: Sizes) -> None:
    """Resident memory of the process over many appends over the bus."""
    note = next(iter(appending(here).values()))
    told = [f"{here.resident():.0f}"]
    for part in range(5):
        await together(note, sizes.appends // 5, 1_000_000 + part * sizes.appends)
        told.append(f"{here.resident():.0f}")
    print(f"\nResident MiB of memory over {sizes.appends:,} appends, in fifths: {', '.join(told)}.", flush=True)


# --- reading ----------------------------------------------------------------------------------------------------------


async def filled(here: System, url: str, user: str, count: int) -> str:
    """A user with one conversation of this many messages; its id."""
    made = await here.bus.ask(CREATE_CONVERSATION, CreateConversation(user=user, title=user))
    seconds = await fill(url, user, made.id, count, user)
    print(f"<!-- {count:,} messages put in directly in {seconds:.1f} s -->", flush=True)
    return made.id


async def line(here: System, name: str, ask: Ask, count: int) -> None:
    """One line of the table of reads."""
    before = here.cpu()[0]
    figures = await alone(ask, count)
    spent = (here.cpu()[0] - before) * 1e3 / (count + WARM)
    print(f"| {name} | {figures} | {spent:.2f} |", flush=True)


async def context(here: System, url: str, sizes: Sizes) -> None:
    """A worker asks for a generation with its context, in a long conversation; the rest of the turn is not measured."""
    conversation = await filled(here, url, "long", sizes.long)
    times: list[float] = []
    for number in range(CLAIMS):
        question = SendMessage(user="long", conversation_id=conversation, text=f"{TEXT} {number}")
        accepted = await here.bus.ask(SEND_MESSAGE, question, timeout=PATIENT)
        claim = ClaimGeneration(generation_id=accepted.generation_id, user="long", worker="benchmark")
        began = time.perf_counter()
        claimed = await here.bus.ask(CLAIM_GENERATION, claim, timeout=PATIENT)
        times.append((time.perf_counter() - began) * 1000)
        await finish(here, accepted.generation_id, claimed.epoch)
    name = f"claim with its context, {sizes.long:,} messages in the conversation ({len(claimed.messages)} given)"
    print(f"| {name} | {statistics.median(times):.2f} | {sorted(times)[int(CLAIMS * 0.99) - 1]:.2f} | |", flush=True)


async def finish(here: System, generation_id: str, epoch: int) -> None:
    """The answer that was claimed."""
    question = FinishGeneration(generation_id=generation_id, user="long", epoch=epoch, outcome="completed", text=TEXT)
    await here.bus.ask(FINISH_GENERATION, question, timeout=PATIENT)


async def snapshots(here: System, url: str, sizes: Sizes) -> None:
    """The state of a user with many messages, whole and since the last change."""
    conversation = await filled(here, url, "large", sizes.snapshot)

    async def whole(_: int) -> None:
        await here.bus.ask(GET_STATE, GetState(user="large"), timeout=PATIENT)

    await line(here, f"snapshot, {sizes.snapshot:,} messages", whole, 200)
    version = (await here.bus.ask(GET_STATE, GetState(user="large"), timeout=PATIENT)).version
    await here.bus.ask(UPDATE_CONVERSATION, UpdateConversation(user="large", conversation_id=conversation, title="new"))

    async def since(_: int) -> None:
        await here.bus.ask(GET_STATE, GetState(user="large", since=str(version)), timeout=PATIENT)

    await line(here, "the same, since one change", since, 200)


async def searches(here: System, url: str, sizes: Sizes) -> None:
    """Words in a large history of one user."""
    await filled(here, url, "reader", sizes.messages)
    began = time.perf_counter()
    for word in (rare(0, sizes.messages), rare(sizes.messages - 1, sizes.messages)):
        await indexed(here, word)
    print(f"<!-- found {time.perf_counter() - began:.1f} s after they were put in -->", flush=True)
    for name, query in queries(sizes.messages):

        async def search(_: int, query: str = query) -> int:
            question = Search(user="reader", query=query, conversation_id=None)
            return len((await here.bus.ask(SEARCH, question, timeout=PATIENT)).hits)

        found = await search(0)
        await line(here, f"search, {name} ({found} found)", search, 100)


def queries(count: int) -> Iterator[tuple[str, str]]:
    """What is looked for."""
    yield "a rare word", rare(count // 2, count)
    yield "a common word", COMMON
    yield "two words", f"{COMMON} {rare(count // 200 * 10, count)}"
    yield "a phrase", f'"{PHRASE}"'
    yield "Japanese", CJK
    yield "nothing like it", "xylophonist"


async def indexed(here: System, word: str) -> None:
    """Returns when everything that has this word can be found."""
    async with asyncio.timeout(INDEX_SECONDS):
        while True:
            try:
                hits = (await here.bus.ask(SEARCH, Search(user="reader", query=word), timeout=PATIENT)).hits
            except Busy:
                hits = []
            if len(hits) >= 10:
                return
            await asyncio.sleep(INDEX_LOOK_SECONDS)


# --- all of it --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def database(arguments: argparse.Namespace, home: Path) -> AsyncGenerator[str]:
    """The address of a new database."""
    if not arguments.postgres:
        yield f"sqlite:///{home}/colloquy.db"
        return
    with postgres(durable=True) as server:
        async with server.database() as url:
            yield url


async def bare(url: str, home: Path, sizes: Sizes) -> None:
    """The baseline of the appends."""
    is_sqlite = url.startswith("sqlite")
    p50, each, grouped = sqlite_alone(home, sizes.alone) if is_sqlite else await postgres_alone(url, sizes.alone)
    print(f"| bare row, one commit each | {p50:.2f} | | {each:,.0f} | | |")
    print(f"| bare row, 64 to a commit | | | {grouped:,.0f} | | |", flush=True)


async def measure(arguments: argparse.Namespace) -> None:
    """Runs everything and prints the tables."""
    sizes = Sizes(arguments)
    with folder() as home:
        async with database(arguments, home) as url:
            print(f"{'PostgreSQL' if arguments.postgres else 'SQLite, synchronous=FULL'}; {machine()}\n")
            heads = ("append", "alone, p50 ms", "p99 ms", "64 clients, per second", "µs CPU of memory each", "of nats-server")
            print(f"| {' | '.join(heads)} |\n|---|---|---|---|---|---|")
            await bare(url, home, sizes)
            async with system(url, home) as here:
                await appends(here, sizes)
                await flat(here, sizes)
                print("\n| read | p50 ms | p99 ms | ms CPU of memory each |\n|---|---|---|---|")
                await context(here, url, sizes)
                await snapshots(here, url, sizes)
                await searches(here, url, sizes)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="colloquy bench memory", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--messages", type=int, default=0)
    parser.add_argument("--appends", type=int, default=0)
    uvloop.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
