"""The token log: what is written is stored once, in order, in as few messages as the stream's pace asks for, or not at all."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from turns import Turn, folded

from inference.delta import Text, Thought, ToolCall
from inference.lines import Clock, Lines
from inference.pacer import TIMER_SECONDS, Pacer
from inference.publisher import MOST_HELD, MOST_IN_A_MESSAGE, TokenLog
from shared.bus import Bus, Stored
from shared.contract.memory import Claim
from shared.contract.subjects import Subject, token_log
from shared.errors import Unavailable

SUBJECT = token_log("ana", "c_1", "g_1")


class Gate:
    """A bus whose stores can be held back, and whose acks can be lost."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.open = asyncio.Event()
        self.open.set()
        self.lose_acks = 0
        self.stores = 0

    def append(self, subject: Subject, data: bytes, **more: Any) -> asyncio.Future[Stored]:
        return asyncio.ensure_future(self._store(subject, data, **more))

    async def _store(self, subject: Subject, data: bytes, **more: Any) -> Stored:
        await self.open.wait()
        self.stores += 1
        stored = await self.bus.append(subject, data, **more)
        if self.lose_acks:
            self.lose_acks -= 1
            raise Unavailable(retry_after=0.01)
        return stored

    async def last(self, subject: Subject):
        return await self.bus.last(subject)

    async def read(self, subject: Subject):
        return await self.bus.read(subject)


class Log:
    def __init__(self, gate: Gate, epoch: int) -> None:
        self.lost = False
        claim = Claim(decision="run", epoch=epoch, user="ana", conversation_id="c_1", answer_id="m_2")
        self.lines = Lines("g_1", claim, Clock())
        self.log = TokenLog(gate, SUBJECT, self.lines, Pacer(), self._lose)

    def _lose(self) -> None:
        self.lost = True


@asynccontextmanager
async def opened(gate: Gate, epoch: int = 1) -> AsyncGenerator[Log]:
    """A log at work; leaving closes it and waits until everything is stored."""
    log = Log(gate, epoch)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(log.log.run())
        log.log.begin("demo")
        yield log
        log.log.close()


@pytest.fixture
def gate(bus: Bus) -> Gate:
    return Gate(bus)


async def test_text_that_comes_while_an_ack_is_awaited_goes_out_as_one_message(gate: Gate, turn: Turn):
    gate.open.clear()
    async with opened(gate) as log:
        for number in range(500):
            log.log.write(Text, f"{number} ")
        await asyncio.sleep(0)
        gate.open.set()
    stored = await turn.log()
    assert folded(stored) == "".join(f"{number} " for number in range(500))
    assert len(stored) == 2


async def test_text_reasoning_and_tools_keep_their_order(gate: Gate, turn: Turn):
    async with opened(gate) as log:
        log.log.write(Thought, "a")
        log.log.write(Thought, "b")
        log.log.write(Text, "c")
        log.log.write_line(log.lines.tool_started(ToolCall("call_1", "f", "{}")))
        log.log.write(Text, "d")
    stored = [(one.type, one.event.get("token")) for one in await turn.log()]
    assert stored[1:] == [("llm.reasoning", "ab"), ("llm.token", "c"), ("tool.started", None), ("llm.token", "d")]


async def test_a_text_of_any_length_goes_out_in_messages_that_fit(gate: Gate, turn: Turn):
    text = "\x00🙂" * MOST_IN_A_MESSAGE
    async with opened(gate) as log:
        log.log.write(Text, text)
    stored = await turn.log()
    assert folded(stored) == text
    assert len(stored) == 3


async def test_t11_a_lost_ack_neither_doubles_nor_drops_a_token(gate: Gate, turn: Turn):
    gate.lose_acks = 3
    async with opened(gate) as log:
        log.log.write(Text, "a")
        log.log.write(Thought, "hm")
        log.log.write(Text, "b")
    assert [one.event.get("token") for one in await turn.log()] == [None, "a", "hm", "b"]
    assert (log.lost, gate.stores) == (False, 7)


async def test_f28_what_a_fenced_log_still_holds_is_never_stored(gate: Gate, turn: Turn):
    async with opened(gate, epoch=1) as old:
        old.log.write(Text, "old")
        await turn.said(1)
        gate.open.clear()
        old.log.write(Text, "stale")
        async with opened(Gate(gate.bus), epoch=2) as new:
            new.log.write(Text, "new")
        gate.open.set()
    assert [one.event.get("token") for one in await turn.log()] == [None, "old", None, "new"]
    assert (old.lost, new.lost) == (True, False)


async def test_a_straggler_of_an_earlier_attempt_does_not_stop_the_new_one(gate: Gate, turn: Turn):
    async with opened(Gate(gate.bus), epoch=1) as old:
        old.log.write(Text, "old")
        await turn.said(1)
        gate.open.clear()
        async with opened(gate, epoch=2) as new:
            await asyncio.sleep(0.02)  # The new attempt has read the last sequence and is about to publish after it.
            old.log.write(Text, "late")
            await turn.said(2)
            gate.open.set()
            new.log.write(Text, "new")
    assert (new.lost, folded(await turn.log())) == (False, "new")


async def test_a_model_that_is_faster_than_the_stream_has_to_wait(gate: Gate):
    gate.open.clear()
    async with opened(gate) as log:
        log.log.write(Text, "x" * (MOST_HELD + 1))
        assert log.log.full
        waiting = asyncio.create_task(log.log.room())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        gate.open.set()
        await waiting
        assert not log.log.full


async def test_logs_of_a_process_are_flushed_together_and_at_most_once_a_beat():
    beats: list[float] = []
    pacer, time = Pacer(0.02), asyncio.get_running_loop().time
    done = asyncio.Event()
    pacer.ask(lambda: beats.append(time()))
    pacer.ask(lambda: beats.append(time()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(beats) == 2
    pacer.ask(lambda: (beats.append(time()), done.set()))
    assert len(beats) == 2
    await done.wait()
    assert beats[2] - beats[1] >= 0.018


async def test_a_beat_is_longer_the_more_logs_had_something_to_say_and_never_too_long():
    beats = [Pacer().until_next(asked) for asked in (1, 16, 32, 1_000)]
    assert beats == sorted(beats)
    assert (beats[0] < 0.009, beats[2] == beats[3], beats[3] + TIMER_SECONDS < 0.025) == (True, True, True)


async def test_a_bug_in_one_log_does_not_silence_the_others():
    pacer, called = Pacer(), asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    pacer.ask(lambda: 1 // 0)
    pacer.ask(called.set)
    async with asyncio.timeout(20):
        await called.wait()


async def test_what_can_not_be_written_is_a_bug_that_ends_the_log(gate: Gate):
    with pytest.raises(ExceptionGroup) as raised:
        async with opened(gate) as log:
            log.log.write(Text, "\ud800")
    assert raised.group_contains(UnicodeEncodeError)


class Drawn:
    """Acks after a turn of the loop or some, as the dice say."""

    def __init__(self, dice: random.Random) -> None:
        self.texts: list[str] = []
        self._dice = dice

    def append(self, _subject: Subject, data: bytes, **_more: Any) -> asyncio.Future[Stored]:
        return asyncio.ensure_future(self._append(data))

    async def _append(self, data: bytes) -> Stored:
        for _ in range(self._dice.randint(0, 3)):
            await asyncio.sleep(0)
        self.texts.append(json.loads(data).get("token", ""))
        return Stored(len(self.texts))


class Beats:
    """A pacer whose beats come when the test says so."""

    def __init__(self) -> None:
        self.asked: list[Callable[[], None]] = []

    def ask(self, call: Callable[[], None]) -> None:
        self.asked.append(call)

    def strike(self) -> None:
        asked, self.asked = self.asked, []
        for call in asked:
            call()


@pytest.mark.parametrize("seed", range(0, 300, 100))
async def test_a_beat_that_comes_when_nothing_is_held_does_not_end_the_log(seed: int):
    for dice in map(random.Random, range(seed, seed + 100)):
        store, beats = Drawn(dice), Beats()
        claim = Claim(decision="run", epoch=1, user="ana", conversation_id="c_1", answer_id="m_2")
        log = TokenLog(store, SUBJECT, Lines("g_1", claim, Clock()), beats, lambda: None)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(log.run())
            log.begin("demo")
            for number in range(30):
                log.write(Text, f"{number} ")
                for _ in range(dice.randint(0, 4)):
                    await asyncio.sleep(0)
                    if dice.random() < 0.5:
                        beats.strike()
            log.close()
        assert "".join(store.texts) == "".join(f"{number} " for number in range(30))
