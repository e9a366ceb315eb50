"""Questions to JetStream's API on the fast lane: one inbox, numbered questions, any number of answers to each."""

import asyncio
from collections import deque
from typing import Protocol

from shared.wire import Offline, Wire

MAX_OPEN = 32
"""Questions that may be open at once. The server reads histories in parallel; more of them only wait there instead of here."""
PATIENCE_SECONDS = 2.0


class Asker(Protocol):
    """Takes the answers to one question."""

    def heard(self, header: bytes | None, payload: bytes) -> bool:
        """One answer. True when it was the last."""
        ...

    def failed(self) -> None:
        """Nothing (more) comes: the connection was lost, or the server is silent."""
        ...


class JetStream:
    """Asks, and hands each answer to whom asked. Every question ends: by its last answer, or by `failed`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        inbox = wire.new_inbox()
        self._prefix = inbox.encode() + b"."
        self._number = 0
        self._open: dict[bytes, tuple[Asker, float]] = {}
        self._waiting: deque[tuple[bytes, bytes, Asker]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        wire.subscribe(inbox + ".*", self._heard)
        wire.on_lost(self._lost)

    def ask(self, subject: bytes, question: bytes, asker: Asker, *, urgent: bool = False) -> None:
        """Asks now, or when others have their answers. `asker` is never called from inside this call."""
        if len(self._open) >= MAX_OPEN and not urgent:
            self._waiting.append((subject, question, asker))
        else:
            self._ask(subject, question, asker)

    def _ask(self, subject: bytes, question: bytes, asker: Asker) -> None:
        self._number += 1
        key = b"%d" % self._number
        try:
            self._wire.publish(subject, question, reply=self._prefix + key)
        except Offline:
            self._loop.call_soon(asker.failed)
            return
        self._open[key] = (asker, self._loop.time() + PATIENCE_SECONDS)
        if self._sweep is None:
            self._sweep = self._loop.call_later(PATIENCE_SECONDS, self._give_up)

    def _heard(self, subject: bytes, header: bytes | None, payload: bytes) -> None:
        key = subject[len(self._prefix) :]
        asked = self._open.get(key)
        if asked is not None and asked[0].heard(header, payload):
            del self._open[key]
            self._next()

    def _next(self) -> None:
        while self._waiting and len(self._open) < MAX_OPEN:
            self._ask(*self._waiting.popleft())

    def _give_up(self) -> None:
        """Ends the questions that are overdue, all with one timer. Answers of a long history count from the question on."""
        now = self._loop.time()
        late = [key for key, (_, deadline) in self._open.items() if deadline <= now]
        askers = [self._open.pop(key)[0] for key in late]
        self._sweep = self._loop.call_later(PATIENCE_SECONDS / 2, self._give_up) if self._open else None
        for asker in askers:
            asker.failed()
        self._next()

    def _lost(self) -> None:
        askers = [asker for asker, _ in self._open.values()]
        askers += [asker for _, _, asker in self._waiting]
        self._open.clear()
        self._waiting.clear()
        for asker in askers:
            asker.failed()
