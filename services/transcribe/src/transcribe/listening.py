"""From what happens in audio to what was said: by the sandbox itself, or by an engine that is given the speech."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Final

from shared.contract.transcript import Segment
from transcribe.hearing import (
    WINDOW_SECONDS,
    Agreement,
    Began,
    Ceased,
    Ended,
    Happening,
    Partial,
    Progress,
    Sound,
    Understood,
    Window,
)
from transcribe.ports import Engine

AGAIN_SECONDS: Final = 1.0
"""How much more must have been said before an engine is asked what it is so far."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something was said, and is understood."""

    segments: tuple[Segment, ...]
    language: str | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(segment.text for segment in self.segments if segment.text)


Listened = Partial | Said | Progress | Ended


async def inside(events: AsyncIterator[Happening]) -> AsyncGenerator[Listened, None]:
    """What the sandbox has understood itself."""
    async for event in events:
        match event:
            case Ceased(start, end, text):
                if text:
                    yield Said((Segment(start=start, end=end, text=text),), "en")
            case Partial() | Progress() | Ended():
                yield event
            case Began() | Sound():
                continue


async def recorded(events: AsyncIterator[Happening], engine: Engine, language: str | None) -> AsyncGenerator[Listened, None]:
    """What an engine understands of a recording: as much at a time as it can hear, cut where nobody speaks."""
    window = Window()
    async for event in events:
        match event:
            case Began(start):
                window.begin(start)
            case Sound(pcm):
                window.add(pcm)
            case Ceased() if window.seconds >= WINDOW_SECONDS / 2:
                yield await _understood(engine, window, language)
            case Ended():
                if window.seconds:
                    yield await _understood(engine, window, language)
                yield event
            case Progress():
                yield event
            case _:
                continue


async def _understood(engine: Engine, window: Window, language: str | None) -> Said:
    start = window.start
    return _said(await engine.understand(window.take(), language), start)


def _said(understood: Understood, start: float) -> Said:
    """With the times of the whole audio."""
    moved = tuple(
        Segment(start=round(start + one.start, 2), end=round(start + one.end, 2), text=one.text)
        for one in understood.segments
        if one.text
    )
    return Said(moved, understood.language)


async def live(events: AsyncIterator[Happening], engine: Engine, language: str | None) -> AsyncGenerator[Listened, None]:
    """The same while it is spoken: what is said so far is understood again and again, and once more at its end."""
    hearer = _LiveHearer(engine, language)
    try:
        async for event in events:
            for listened in await hearer.hear(event):
                yield listened
    finally:
        hearer.cancel()


class _LiveHearer:
    """One session of an engine that only hears recordings."""

    def __init__(self, engine: Engine, language: str | None) -> None:
        self._engine, self._language = engine, language
        self._window = Window()
        self._agreement = Agreement()
        self._asked = 0.0
        self._asking: asyncio.Future[Understood] | None = None

    async def hear(self, event: Happening) -> list[Listened]:
        match event:
            case Began(start):
                self._window.begin(start)
            case Sound(pcm):
                self._window.add(pcm)
                return self._so_far()
            case Ceased():
                return await self._cease()
            case Ended():
                return [*(await self._cease()), event]
            case Progress():
                return [*self._so_far(), event]
            case Partial():
                pass
        return []

    def _so_far(self) -> list[Listened]:
        """What the last question came to, and the next question."""
        found: list[Listened] = []
        if self._asking is not None and self._asking.done():
            text = " ".join(segment.text for segment in self._asking.result().segments)
            self._asking = None
            found.append(Partial(self._agreement.next(text)))
        if self._asking is None and self._window.seconds - self._asked >= AGAIN_SECONDS:
            self._asked = self._window.seconds
            self._asking = asyncio.ensure_future(self._engine.understand(self._window.peek(), self._language))
        return found

    async def _cease(self) -> list[Listened]:
        self.cancel()
        if not self._window.seconds:
            return []
        self._asked = 0.0
        self._agreement.reset()
        said = await _understood(self._engine, self._window, self._language)
        return [said] if said.text else []

    def cancel(self) -> None:
        """Nobody waits for an answer any more."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
