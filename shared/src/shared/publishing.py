"""Publishing to JetStream with acks: a window of our own on the fast lane, and one place that repeats what is unknown."""

import asyncio
import json
import random
import re
from collections import deque
from dataclasses import dataclass

from shared.contract.streams import MAX_MESSAGE_BYTES
from shared.errors import StorageFull, TooLarge, Unavailable
from shared.headers import status
from shared.pace import Pace
from shared.wire import Offline, Wire

# Measured: 5 µs of client CPU for a message at load; nats-py's awaited publish costs 100, its publish_async 40 (T21).

MAX_WAITING = 50_000
"""What may wait for the window; more than that is refused as unavailable."""

AGAIN_SECONDS, LAST_AGAIN_SECONDS = 0.1, 2.0
"""After which what was refused for now is sent again, at first and at most."""
TICK_SECONDS = 0.05

WRONG_SEQUENCE = frozenset({10071, 10164})
FULL = frozenset({10002, 10023, 10028, 10047})
# Not ready, no leader, offline, overrun: F12. 10077 is any failure to write, also "maximum bytes exceeded".
PASSING = frozenset({10008, 10039, 10041, 10076, 10077, 10118, 10167})
_FULL_WORDS = re.compile(r"maximum|no space|insufficient|exceeded")
_SEQUENCE = re.compile(rb'"seq": ?(\d+)')


@dataclass(frozen=True, slots=True)
class Stored:
    """JetStream has it. `duplicate`: it already had it, under the same message id."""

    sequence: int
    duplicate: bool = False


class Fenced(Exception):
    """Somebody else has written to this subject: `expect` was not its last sequence."""


class Rejected(Exception):
    """JetStream will never take this message: its settings or ours are wrong."""


class Order:
    """One message on its way into a stream."""

    __slots__ = ("attempts", "began", "data", "expires", "future", "header", "key", "late", "open", "subject", "until")

    def __init__(
        self, key: bytes, subject: bytes, header: bytes, data: bytes, expires: float, future: asyncio.Future[Stored]
    ) -> None:
        self.key = key
        self.subject = subject
        self.header = header
        self.data = data
        self.expires = expires
        self.began = self.until = 0.0
        """When it was first sent, and when it is time to send it again."""
        self.open = self.late = False
        """Whether an ack may come: it was sent, and not refused since; and whether that is overdue."""
        self.attempts = 0
        self.future = future


class Publisher:
    """Every message that this process has under way to JetStream, in the order of the calls."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        inbox = wire.new_inbox() + "."
        self._inbox = inbox.encode()
        self._cut = len(inbox)
        self._count = 0
        self._flight: dict[bytes, Order] = {}
        self._waiting: deque[Order] = deque()
        self._ticking = False
        self._pace = Pace()
        wire.subscribe(inbox + "*", self._answered)
        wire.on_back(self._send_all_again)

    def publish(self, subject: str, header: bytes, data: bytes, timeout: float) -> Order:
        """Sends it now, or as soon as the window has room; the order's future ends as Stored or as a fault."""
        if len(header) + len(data) > MAX_MESSAGE_BYTES:  # T19: beyond its limit the server closes the connection for good
            raise TooLarge(size=len(header) + len(data), limit=MAX_MESSAGE_BYTES)
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable
        self._count += 1
        key = b"%d" % self._count
        order = Order(key, subject.encode(), header, data, self._loop.time() + timeout, self._loop.create_future())
        if self._waiting or len(self._flight) >= self._pace.window:
            self._waiting.append(order)
        else:
            self._send(order)
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(TICK_SECONDS, self._tick)
        return order

    def _send(self, order: Order) -> None:
        self._flight[order.key] = order
        now = self._loop.time()
        try:
            self._wire.publish(order.subject, order.data, reply=self._inbox + order.key, header=order.header)
        except Offline:
            order.open, order.until = False, now + AGAIN_SECONDS
            return
        order.attempts += 1
        order.open, order.late = True, False
        order.began = order.began or now
        chance = random.random() if order.attempts > 1 else 0.0  # noqa: S311 - jitter
        order.until = now + self._pace.patience(order.attempts, chance)

    def _answered(self, subject: bytes, header: bytes | None, payload: bytes) -> None:
        order = self._flight.get(subject[self._cut :])
        if order is None:
            return
        found = _SEQUENCE.search(payload) if header is None and b'"error"' not in payload else None
        if found is None:
            self._refused(order, header, payload)
        else:
            self._confirmed(order, Stored(int(found[1]), b'"duplicate"' in payload))

    def _refused(self, order: Order, header: bytes | None, payload: bytes) -> None:
        fault = _fault(status(header), payload)
        if fault is None:
            # Jitter: everything that was refused together does not come back together (F12).
            seconds = min(AGAIN_SECONDS * 2.0 ** min(order.attempts - 1, 8), LAST_AGAIN_SECONDS)
            order.open, order.until = False, self._loop.time() + seconds * random.uniform(0.5, 1.5)  # noqa: S311
        else:
            self._confirmed(order, fault)

    def _confirmed(self, order: Order, outcome: Stored | Exception) -> None:
        self._pace.confirmed(self._loop.time() - order.began, again=order.attempts > 1)
        self._end(order, outcome)

    def _end(self, order: Order, outcome: Stored | Exception) -> None:
        self._flight.pop(order.key, None)
        if not order.future.done():
            if isinstance(outcome, Stored):
                order.future.set_result(outcome)
            else:
                order.future.set_exception(outcome)
        while self._waiting and len(self._flight) < self._pace.window:
            waiting = self._waiting.popleft()
            if not waiting.future.done():
                self._send(waiting)

    def _tick(self) -> None:
        """Repeats what is due, in the order it was first sent, and gives up what is too old."""
        now = self._loop.time()
        due = [order for order in self._flight.values() if order.until <= now or order.expires <= now]
        overdue = [order for order in due if not self._look_again(order, now)]
        if overdue:
            self._repeat(overdue, now)
        while self._waiting and (self._waiting[0].expires <= now or self._waiting[0].future.done()):
            self._end(self._waiting.popleft(), Unavailable("NATS does not keep up; nothing is lost, try again."))
        self._ticking = bool(self._flight or self._waiting)
        if self._ticking:
            self._loop.call_later(TICK_SECONDS, self._tick)

    def _look_again(self, order: Order, now: float) -> bool:
        """Ends it, or sends it again when it is known not to be stored. False when its ack is overdue."""
        if order.future.done() or order.expires <= now:
            self._end(order, Unavailable("NATS did not confirm in time; nothing is known to be lost, try again."))
        elif order.open:
            return False
        else:
            self._send(order)
        return True

    def _repeat(self, overdue: list[Order], now: float) -> None:
        """Sends the oldest again. The others may only be late: they follow when these are confirmed."""
        news = [order for order in overdue if not order.late]
        if news:
            self._pace.overdue(again=any(order.attempts > 1 for order in news))
        for order in news:
            order.late = True
        under_way = sum(order.attempts > 1 and order.until > now for order in self._flight.values())
        for order in overdue[: max(0, self._pace.repeats - under_way)]:
            self._send(order)

    def _send_all_again(self) -> None:
        """The connection is back: what was under way has come to nothing, or its answer has."""
        for order in list(self._flight.values()):
            if not order.future.done():
                self._send(order)


def _fault(code: int, payload: bytes) -> Exception | None:
    """What a refusal means; None: it will pass."""
    if code == 503:  # no responders: nothing captures this subject right now (T8)
        return None
    try:
        error = json.loads(payload)["error"]
        number, words = int(error["err_code"]), str(error.get("description", ""))
    except (ValueError, KeyError, TypeError):
        return Rejected(f"status {code}, {len(payload)} bytes that are no PubAck")
    if number in WRONG_SEQUENCE:
        return Fenced(words)
    if number in FULL or (number == 10077 and _FULL_WORDS.search(words)):
        return StorageFull()
    return None if number in PASSING else Rejected(f"{number}: {words}")
