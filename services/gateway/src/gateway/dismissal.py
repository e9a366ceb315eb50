"""Sockets that are told to close, because their user's account is gone."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


class Dismissals:
    """Who waits for it, by user. Streams are found by what they follow instead: they must cost as little as they can."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def of(self, user: str) -> Generator[asyncio.Event]:
        """An event that is set when this user is dismissed."""
        event = asyncio.Event()
        self._waiting.setdefault(user, set()).add(event)
        try:
            yield event
        finally:
            waiting = self._waiting[user]
            waiting.discard(event)
            if not waiting:
                del self._waiting[user]

    def dismiss(self, user: str) -> None:
        """Sets every event of this user."""
        for event in self._waiting.get(user, ()):
            event.set()
