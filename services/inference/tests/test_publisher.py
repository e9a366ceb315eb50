"""The token log: everything that was written is stored, whenever the beats come."""

import asyncio
import random

from inference.delta import Text
from inference.publisher import TokenLog
from shared.bus import Stored


class Store:
    """Acks after a turn of the loop or some."""

    def __init__(self, dice):
        self.texts, self._dice = [], dice

    async def store(self, subject, data, **_):
        for _turn in range(self._dice.randint(0, 3)):
            await asyncio.sleep(0)
        self.texts.append(data.decode())
        return Stored(len(self.texts))


class Lines:
    def started(self, model):
        return "generation.started", b""

    def spoken(self, kind, text):
        return "llm.token", text.encode()


class Beats:
    """A pacer whose beats come when the test says so."""

    def __init__(self):
        self.asked = []

    def ask(self, call):
        self.asked.append(call)

    def strike(self):
        asked, self.asked = self.asked, []
        for call in asked:
            call()


async def test_a_beat_that_comes_when_nothing_is_held_does_not_end_the_log():
    for seed in range(300):
        dice = random.Random(seed)
        store, beats = Store(dice), Beats()
        log = TokenLog(store, "feed.x", Lines(), beats, lambda: None)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(log.run("model", 1))
            for number in range(30):
                log.write(Text, f"{number} ")
                for _ in range(dice.randint(0, 4)):
                    await asyncio.sleep(0)
                    if dice.random() < 0.5:
                        beats.strike()
            log.close()
        assert "".join(store.texts) == "".join(f"{number} " for number in range(30)), seed
