"""A turn as the tests of inference see it: ordered, and looked at as it is stored."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from fake_memory import FakeMemory, Row

from shared.bus import Bus
from shared.contract.inference import GENERATE, Generate
from shared.contract.subjects import token_log

NewBus = Callable[..., Awaitable[Bus]]
Work = Callable[..., Awaitable[AsyncExitStack]]


@dataclass
class Logged:
    """One stored message of a token log."""

    type: str
    event: dict[str, Any]


class Turn:
    """Orders generations and looks at what came of them."""

    def __init__(self, bus: Bus, memory: FakeMemory) -> None:
        self.bus = bus
        self.memory = memory

    async def order(self, generation: str = "g_1", user: str = "ana") -> None:
        order = Generate(generation_id=generation, user=user, conversation_id="c_1")
        await self.bus.store(GENERATE.subject(user), order.encode())

    async def ended(self, row: Row, seconds: float = 10.0) -> Any:
        async with asyncio.timeout(seconds):
            await row.ended.wait()
        return row.end

    async def answer(self, text: str, generation: str = "g_1", **claim: Any) -> Any:
        row = self.memory.add(text, generation=generation, **claim)
        await self.order(generation)
        return await self.ended(row)

    async def log(self, generation: str = "g_1", user: str = "ana") -> list[Logged]:
        entries = await self.bus.read(token_log(user, "c_1", generation))
        return [Logged(name.decode(), json.loads(data)) for _, name, data in entries]

    async def said(self, tokens: int, generation: str = "g_1") -> None:
        """Returns when so many tokens are stored."""
        async with asyncio.timeout(10):
            while len([one for one in await self.log(generation) if one.type == "llm.token"]) < tokens:
                await asyncio.sleep(0.005)


def folded(log: list[Logged]) -> str:
    """The text that a reader has after these messages."""
    text = ""
    for one in log:
        if one.type in ("generation.started", "generation.restarted"):
            text = ""
        elif one.type == "llm.token":
            text += one.event["token"]
    return text
