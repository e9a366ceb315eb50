"""The token log of one attempt: fenced, self-clocking, bounded.

Publish, wait for the ack, publish what has accumulated meanwhile: one token a message at reading speed, more under load.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from inference.delta import Text, Thought, ToolCall
from inference.lines import Lines
from inference.pacer import Pacer
from inference.ports import TokenStore
from shared.bus import Fenced
from shared.contract.streams import TOKEN_TTL_SECONDS
from shared.contract.subjects import Subject
from shared.errors import Busy

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MOST_IN_A_MESSAGE: Final = 32 * 1024
"""Characters; in the worst case (control characters) 192 KiB of JSON."""

MOST_HELD: Final = 64 * 1024
"""Characters that wait to be published. Then the model is not read further."""

Kind = type[Text] | type[Thought]
Item = tuple[Kind, str] | ToolCall


class _Lost(Exception):
    pass


class TokenLog:
    """Takes what the model says at once, and stores it as fast as the stream can take it.

    `lost` is called when somebody else has written to the log: nothing of ours is stored after that.
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
        self._wake: asyncio.Future[None] | None = None
        self._asked = False
        self._spoken = False
        self._closed = False
        self._room = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the writer has to wait for room."""
        return self._size > MOST_HELD

    def write(self, kind: Kind, text: str) -> None:
        """Publishes this text soon. Never waits: look at `full`."""
        if text:
            self._size += len(text)
            self._hold((kind, text))

    def write_call(self, call: ToolCall) -> None:
        """Publishes that the model asked for a tool."""
        self._hold(call)

    async def room(self) -> None:
        """Returns when there is room again."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    def close(self) -> None:
        """Nothing more will be written: `run` returns when everything is stored."""
        self._closed = True
        self._strike()

    async def run(self, model: str, epoch: int) -> None:
        """Stores what is written until the log is closed, or lost."""
        try:
            if epoch > 1 and (last := await self._read_last()):
                self._sequence = last[0]
            await self._append(*self._lines.started(model))
            while await self._turn():
                kind, data = self._next()
                await self._append(kind, data)
        except _Lost:
            self._lost()
        finally:
            self._size = 0
            self._room.set()

    def _hold(self, item: Item) -> None:
        self._held.append(item)
        if self._wake is None or self._asked:
            return
        if self._spoken:
            self._asked = True
            self._pacer.ask(self._strike)
        else:
            self._strike()

    def _strike(self) -> None:
        self._asked = False
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _turn(self) -> bool:
        """Waits until something is held and it is time to publish. False when the log is closed and empty."""
        struck = not self._spoken
        # A beat may find nothing: the text it was asked for has gone out with the one before.
        while not (self._closed or (self._held and struck)):
            await self._beat()
            struck = True
        return bool(self._held)

    async def _beat(self) -> None:
        """Waits for the next beat that is asked for, or for the first text, or for the end."""
        self._wake = asyncio.get_running_loop().create_future()
        if self._held:
            self._asked = True
            self._pacer.ask(self._strike)
        await self._wake
        self._wake = None

    def _next(self) -> tuple[str, bytes]:
        """Type and data of the next message: all that is held of one kind, up to a limit."""
        item = self._held.popleft()
        if isinstance(item, ToolCall):
            return self._lines.tool_started(item)
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

    async def _append(self, kind: str, data: bytes) -> None:
        """Stores one message after our last one, whatever it takes. Raises _Lost."""
        while True:
            try:
                stored = await self._store.store(self._subject, data, type=kind, ttl=TOKEN_TTL_SECONDS, expect=self._sequence)
            except Fenced:
                self._sequence, ours = await self._look(data)
                if ours:
                    break
            except Busy as busy:
                log.warning("tokens.held", reason=busy.code)
                await asyncio.sleep(busy.retry_after)
            else:
                self._sequence = stored.sequence
                break
        if not self.full:
            self._room.set()

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
