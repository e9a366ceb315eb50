"""Standing pull requests on one durable consumer: topped up as room appears, renewed when they end, lost or fall silent."""

import asyncio
import json
from collections.abc import Callable

import structlog

from shared.headers import status, value
from shared.wire import Asked, Offline, Wire

log: structlog.stdlib.BoundLogger = structlog.get_logger()

EXPIRES_SECONDS = 30.0
HEARTBEAT_SECONDS = 5.0
SILENT_SECONDS = 2.5 * HEARTBEAT_SECONDS
"""When nothing was heard for so long, what was asked for will not come (T15)."""

AGAIN_SECONDS = 0.5
"""Wait after a request was refused: JetStream is not ready, or the consumer is not there."""

HEARTBEAT, TIME_IS_OVER = 100, 408


class Puller:
    """Keeps as many messages asked for as there is room, or half. `room` says how many more could be taken now."""

    def __init__(self, wire: Wire, stream: str, consumer: str, room: Callable[[], int], take: Asked) -> None:
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._target = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}".encode()
        inbox = wire.new_inbox() + "."
        self._inbox = inbox.encode()
        self._cut = len(inbox)
        self._room = room
        self._take = take
        self._count = 0
        self._open = 0
        """How many messages were asked for and may still come. A message does not say which request it answers."""
        self._era = 0
        """What requests of an earlier era say does not count any more."""
        self._heard = self._loop.time()
        self._rest_until = 0.0
        self._topping = False
        self._stopped = False
        self.sid = wire.serve(inbox + "*", self._came)
        wire.on_back(self._begin_anew)

    def top_up(self) -> None:
        """Asks for what there is room for, at the end of the loop's turn: one request for all that was freed in it."""
        if not self._topping and not self._stopped:
            self._topping = True
            self._loop.call_soon(self._ask)

    def look_again(self) -> None:
        """Called now and then: when nothing is heard any more, not even a heartbeat, it asks anew."""
        if self._open and self._heard < self._loop.time() - SILENT_SECONDS:
            log.warning("bus.pull_silent", consumer=self._target.decode())
            self._begin_anew()
        self.top_up()

    def stop(self) -> None:
        """Asks for nothing more."""
        self._stopped = True

    def _ask(self) -> None:
        self._topping = False
        more = self._room() - self._open
        # Only when less than half is open: a request for each order is one more message that the server has to handle.
        if more <= self._open or self._stopped or self._loop.time() < self._rest_until:
            return
        self._count += 1
        question = {"batch": more, "expires": _ns(EXPIRES_SECONDS), "idle_heartbeat": _ns(HEARTBEAT_SECONDS)}
        reply = b"%b%d-%d-%d" % (self._inbox, self._era, more, self._count)
        try:
            self._wire.publish(self._target, json.dumps(question).encode(), reply=reply)
        except Offline:
            return  # asks again when the connection is back
        if not self._open:
            self._heard = self._loop.time()
        self._open += more

    def _came(self, subject: bytes, reply: bytes, header: bytes | None, data: bytes) -> None:
        self._heard = self._loop.time()
        if reply.startswith(b"$JS.ACK."):
            self._open = max(self._open - 1, 0)
            self._take(subject, reply, header, data)
        elif (code := status(header)) != HEARTBEAT:
            era, batch, _ = subject[self._cut :].split(b"-")
            self._over(code, int(era), int(value(header, b"Nats-Pending-Messages") or batch))

    def _over(self, code: int, era: int, lost: int) -> None:
        """A request has ended before it was full: its time is over, or it was refused."""
        if era == self._era:
            self._open = max(self._open - lost, 0)
        if code != TIME_IS_OVER:
            log.warning("bus.pull_refused", status=code, consumer=self._target.decode())
            self._rest_until = self._loop.time() + AGAIN_SECONDS
            self._loop.call_later(AGAIN_SECONDS * 1.1, self.top_up)
        self.top_up()

    def _begin_anew(self) -> None:
        """Requests die with the connection."""
        self._era += 1
        self._open = 0
        self.top_up()


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000_000)
