"""Stand-ins for what uvicorn keeps in deques: an empty one takes 700 bytes, and each connection would have three."""

import asyncio
from typing import Any


class Event(asyncio.Event):
    """An event whose few waiters are in a list."""

    def __init__(self, *, value: bool = False) -> None:
        super().__init__()
        # asyncio only appends, removes and iterates.
        self._waiters = []  # pyright: ignore[reportAttributeAccessIssue]
        self._value = value


class Pipeline(list[Any]):
    """The requests that a client sent before it had the answer to the first."""

    __slots__ = ()

    def appendleft(self, request: Any) -> None:
        """One more; `pop` takes the oldest."""
        self.insert(0, request)
