"""Every order in which stored events, live messages, replays and lost connections can meet a channel.

A real server shows only the likely orders, so here it is a model of one: a log, and two queues on their way to the client.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import channel as channel_module
from shared import follower as follower_module
from shared.channel import Channel
from shared.contract.subjects import conversation_scope
from shared.follower import Follower
from shared.horizon import Horizon
from shared.stored import Stored

SCOPE = conversation_scope("ana", "c_1")
SUBJECTS = (b"live.a", b"live.b")
BATCH = 2


@dataclass(frozen=True)
class Entry:
    sequence: int
    subject: bytes
    previous: int

    @property
    def header(self) -> bytes:
        return b"NATS/1.0\r\nNats-Sequence: %d\r\nNats-Last-Sequence: %d\r\n\r\n" % (self.sequence, self.previous)


class Model:
    """A server, the connection to it, and the channel under test."""

    def __init__(self) -> None:
        self.log: list[Entry] = []
        self.sequence = 0
        self.heard: Callable[[bytes, bytes | None, bytes], None] | None = None
        self.coming: deque[Entry] = deque()
        self.questions: deque[tuple[int, Any]] = deque()
        self.answers: deque[tuple[Any, bytes, bool]] = deque()
        self.connected = True
        self.dropped = False
        self.readers: list[Reading] = []
        self.channel = Channel(SCOPE, self, self, lambda _: None, lambda _: None)  # pyright: ignore[reportArgumentType]
        self.keep_open = self.channel.admit(Reading(self, None))

    # --- what the channel uses -----------------------------------------------------------------------------------

    def subscribe(self, _: str, heard: Callable[[bytes, bytes | None, bytes], None]) -> int:
        self.heard = heard
        return 1

    def unsubscribe(self, _: int) -> None:
        self.heard = None

    def ask(self, _: bytes, question: bytes, asker: Any, *, urgent: bool = False) -> None:
        if self.connected:
            self.questions.append((int(question[7 : question.index(b",")]), asker))
        else:
            asyncio.get_running_loop().call_soon(asker.failed)

    # --- what may happen -----------------------------------------------------------------------------------------

    def store(self, which: int) -> None:
        self.sequence += 1
        if which == len(SUBJECTS):
            return  # somebody else's
        subject = SUBJECTS[which]
        previous = max((entry.sequence for entry in self.log if entry.subject == subject), default=0)
        self.log.append(Entry(self.sequence, subject, previous))
        if self.connected:
            self.coming.append(self.log[-1])

    def open(self, place: int) -> None:
        if not self.channel.incarnation and self.connected:
            self.channel.open(self.horizon, None if place > self.sequence else place)

    @property
    def horizon(self) -> Horizon:
        return Horizon("i", 1, self.sequence, 0.0)

    def attach(self, place: int) -> None:
        if self.channel.incarnation and not self.channel.closed:
            after = None if place > self.sequence else place
            self.readers.append(Reading(self, after))
            self.readers[-1].start()

    def serve(self, _: int) -> None:
        """The server reads a batch as its log is now."""
        if not self.questions:
            return
        first, asker = self.questions.popleft()
        found = [entry for entry in self.log if entry.sequence >= first]
        for entry in found[:BATCH]:
            self.answers.append((asker, entry.header, False))
        end = b"204 EOB\r\nNats-Num-Pending: %d" % len(found[BATCH:]) if found else b"404 Message Not Found"
        self.answers.append((asker, b"NATS/1.0 " + end + b"\r\n\r\n", True))

    def live(self, _: int) -> None:
        if self.coming and self.heard:
            entry = self.coming.popleft()
            self.heard(entry.subject, entry.header, b"{}")

    def answer(self, _: int) -> None:
        if self.answers:
            asker, header, last = self.answers.popleft()
            assert asker.heard(header, b"{}") is last

    def lose(self, _: int) -> None:
        """The connection ends: what was on its way is gone."""
        if not self.connected:
            return
        self.connected = False
        self.channel.lost()
        askers = {id(asker): asker for asker, *_ in [*[(asker,) for _, asker in self.questions], *self.answers]}
        self.coming.clear()
        self.questions.clear()
        self.answers.clear()
        for asker in askers.values():
            asker.failed()

    def back(self, _: int) -> None:
        if not self.connected:
            self.connected = True
            self.channel.learned(self.horizon)

    def drop(self, _: int) -> None:
        """A live message is lost, as should never happen."""
        if self.coming:
            self.coming.popleft()
            self.dropped = True

    async def settle(self) -> None:
        """Everything on its way arrives."""
        self.back(0)
        self.open(self.sequence)
        for _ in range(400):
            self.serve(0)
            self.answer(0)
            self.live(0)
            await asyncio.sleep(0)


class Reading:
    """A reader, and what it must have heard in the end."""

    def __init__(self, model: Model, after: int | None) -> None:
        self.model = model
        self.after = after
        self.since = model.sequence
        self.heard: list[int] = []
        self.reason: str | None = None
        self.follower: Follower | None = None

    def start(self) -> None:
        self.follower = self.model.channel.admit(self)
        self.follower.start(self.after)

    def deliver(self, event: Stored) -> None:
        self.heard.append(event.sequence)

    def reset(self, reason: str) -> None:
        self.reason = reason

    def when_taken(self, go_on: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(go_on)

    def caught_up(self) -> None: ...

    def check(self) -> None:
        stored = [entry.sequence for entry in self.model.log]
        if self.reason is not None:
            assert self.model.dropped
            assert self.reason == "gap"
            # What was missed below something delivered can't be told any more: that is what the reset says.
            assert self.heard == sorted(set(self.heard) & set(stored))
            return
        if self.after is not None:
            assert self.heard == [sequence for sequence in stored if sequence > self.after]
            return
        assert self.heard == stored[len(stored) - len(self.heard) :]
        assert not {sequence for sequence in stored if sequence > self.since} - set(self.heard)


STEPS = st.one_of(
    st.tuples(st.just("store"), st.integers(0, len(SUBJECTS))),
    st.tuples(st.sampled_from(["serve", "answer", "live"]), st.just(0)),
    st.tuples(st.sampled_from(["attach", "open"]), st.integers(0, 12)),
    st.tuples(st.sampled_from(["lose", "back"]), st.just(0)),
)


async def play(steps: list[tuple[str, int]]) -> Model:
    model = Model()
    for name, argument in steps:
        getattr(model, name)(argument)
        await asyncio.sleep(0)
    await model.settle()
    # A last event on each subject: what stayed unnoticed shows now.
    for which in range(len(SUBJECTS)):
        model.store(which)
    await model.settle()
    return model


@pytest.fixture(autouse=True, scope="module")
def _small_limits() -> Any:
    with (
        patch.object(channel_module, "MAX_HELD", 2),
        patch.object(channel_module, "AGAIN_SECONDS", 0),
        patch.object(channel_module, "BEHIND_SECONDS", 0),
        patch.object(follower_module, "AGAIN_SECONDS", 0),
    ):
        yield


@settings(max_examples=1500, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_every_reader_hears_every_stored_event_after_its_cursor_once_and_in_order(steps: list[tuple[str, int]]) -> None:
    for reader in asyncio.run(play(steps)).readers:
        reader.check()


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(STEPS, st.tuples(st.just("drop"), st.just(0))), max_size=40))
def test_f46_a_lost_live_message_is_read_or_the_reader_is_reset(steps: list[tuple[str, int]]) -> None:
    for reader in asyncio.run(play(steps)).readers:
        reader.check()
