"""The token log of one attempt: fenced, self-clocking, bounded.

Publish, wait for the ack, publish what has accumulated meanwhile: one token a message at reading speed, more under load.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from inference.delta import Text, Thought
from inference.lines import Lines
from inference.pacer import Pacer
from inference.ports import TokenStore
from shared.bus import Fenced, Stored
from shared.contract.streams import TOKEN_TTL_SECONDS
from shared.contract.subjects import Subject
from shared.errors import Busy, Fault

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MOST_IN_A_MESSAGE: Final = 32 * 1024
"""Characters; in the worst case (control characters) 192 KiB of JSON."""

MOST_HELD: Final = 64 * 1024
"""Characters that wait to be published. Then the model is not read further."""

Kind = type[Text] | type[Thought]


class Ready(NamedTuple):
    """A message as it is stored: type and data."""

    kind: str
    data: bytes


Item = tuple[Kind, str] | Ready


class _Lost(Exception):
    pass


class TokenLog:
    """Takes what the model says at once, and stores it as fast as the stream can take it.

    `lost` is called when somebody else has written to the log: nothing of ours is stored after that.

    While all goes well, beats and acks step it by plain calls; `run` sleeps, and wakes up for what needs patience.
    """

    def __init__(self, store: TokenStore, subject: Subject, lines: Lines, pacer: Pacer, lost: Callable[[], None]) -> None:
        self._store = store
        self._subject = subject
        self._lines = lines
        self._pacer = pacer
        self._lost = lost
        self._held: deque[Item] = deque()
        self._size = 0
        self._sequence = 0
        self._loop = asyncio.get_running_loop()
        self._message = ("", b"")
        """Type and data of what is under way, or was last."""
        self._ack: asyncio.Future[Stored] | None = None
        self._idle = False
        self._asked = False
        self._spoken = False
        self._closed = False
        self._over = False
        self._news: asyncio.Future[Exception | None] = self._loop.create_future()
        """What `run` is woken up for: a fault, or None when all is stored."""
        self._room = asyncio.Event()

    @property
    def lines(self) -> Lines:
        """Who writes its messages."""
        return self._lines

    @property
    def full(self) -> bool:
        """Whether the writer has to wait for room."""
        return self._size > MOST_HELD

    def write(self, kind: Kind, text: str) -> None:
        """Publishes this text soon. Never waits: look at `full`."""
        if text:
            self._size += len(text)
            self._hold((kind, text))

    def write_line(self, line: tuple[str, bytes]) -> None:
        """Publishes a message that is written already, in its turn."""
        self._hold(Ready(*line))

    async def room(self) -> None:
        """Returns when there is room again."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    async def stored(self) -> None:
        """Returns when all that was written so far is stored, or `run` has ended."""
        while not self._over and (self._held or not self._idle):
            self._room.clear()
            await self._room.wait()

    def begin(self, model: str) -> None:
        """Publishes that the attempt has begun. `run` has to follow."""
        self._send(*self._lines.started(model))

    def close(self) -> None:
        """Nothing more will be written: `run` returns when everything is stored."""
        self._closed = True
        self._strike()

    async def run(self) -> None:
        """Stores what is written until the log is closed, or lost."""
        try:
            while (fault := await self._news) is not None:
                self._news = self._loop.create_future()
                await self._mend(fault)
        except _Lost:
            self._lost()
        finally:
            self._over, self._idle = True, False
            if self._ack is not None:
                self._ack.cancel()
            self._size = 0
            self._room.set()

    # --- while all goes well: plain calls, no task is woken up for a token ------------------------------------------------

    def _hold(self, item: Item) -> None:
        self._held.append(item)
        if self._idle and not self._asked:
            self._soon()

    def _soon(self) -> None:
        """The first text at the end of this turn of the loop, more of it with the next beat."""
        self._asked = True
        if self._spoken:
            self._pacer.ask(self._strike)
        else:
            self._loop.call_soon(self._strike)

    def _strike(self) -> None:
        self._asked = False
        if not self._idle:
            return
        try:
            if self._held:
                self._send(*self._next())
            elif self._closed:
                self._tell(None)
        except ValueError as error:  # Text without a UTF-8 form: a bug, and `run` is where bugs are raised.
            self._tell(error)

    def _send(self, kind: str, data: bytes) -> None:
        """Publishes one message after our last one."""
        self._idle = False
        self._message = kind, data
        try:
            ack = self._store.append(self._subject, data, type=kind, ttl=TOKEN_TTL_SECONDS, expect=self._sequence)
        except Fault as fault:
            self._tell(fault)
        else:
            self._ack = ack
            ack.add_done_callback(self._acked)

    def _acked(self, ack: asyncio.Future[Stored]) -> None:
        self._ack = None
        if ack.cancelled():
            return
        fault = ack.exception()
        if fault is None:
            self._stored(ack.result().sequence)
        elif isinstance(fault, Exception):
            self._tell(fault)

    def _stored(self, sequence: int) -> None:
        self._sequence = sequence
        self._idle = True
        if not self.full:
            self._room.set()
        if self._closed or (self._held and not self._spoken):
            self._strike()
        elif self._held and not self._asked:
            self._soon()

    def _tell(self, news: Exception | None) -> None:
        if not self._news.done():
            self._news.set_result(news)

    # --- and when it does not -----------------------------------------------------------------------------------------

    async def _mend(self, fault: Exception) -> None:
        """Stores what was under way after our last message, whatever it takes. Raises _Lost, and what is a bug."""
        if isinstance(fault, Fenced):
            sequence, ours = await self._look(self._message[1])
            if ours:
                self._stored(sequence)
                return
            self._sequence = sequence
        elif isinstance(fault, Busy):
            log.warning("tokens.held", reason=fault.code)
            await asyncio.sleep(fault.retry_after)
        else:
            raise fault
        self._send(*self._message)

    def _next(self) -> tuple[str, bytes]:
        """Type and data of the next message: all that is held of one kind, up to a limit."""
        item = self._held.popleft()
        if isinstance(item, Ready):
            return item
        kind, text = item
        if self._held:
            text = self._gather(kind, text)
        if len(text) > MOST_IN_A_MESSAGE:
            self._held.appendleft((kind, text[MOST_IN_A_MESSAGE:]))
            text = text[:MOST_IN_A_MESSAGE]
        self._size -= len(text)
        self._spoken = True
        return self._lines.spoken(kind, text)

    def _gather(self, kind: Kind, text: str) -> str:
        parts, size, held = [text], len(text), self._held
        while held and held[0][0] is kind and size < MOST_IN_A_MESSAGE:
            part = str(held.popleft()[1])
            parts.append(part)
            size += len(part)
        return "".join(parts)

    async def _look(self, data: bytes) -> tuple[int, bool]:
        """The last sequence, and whether it is that of `data`: then only its ack was lost, because the stream checks the
        expected sequence before it looks for duplicates (T11). If not, a straggler of an earlier attempt was quicker; another
        attempt's message, or nothing, means that we have lost."""
        last = await self._read_last()
        if last is not None and last[1] == data:
            return last[0], True
        if last is None or not self._lines.precede(last[1]):
            raise _Lost
        return last[0], False

    async def _read_last(self) -> tuple[int, bytes] | None:
        while True:
            try:
                return await self._store.last(self._subject)
            except Busy as busy:
                await asyncio.sleep(busy.retry_after)
