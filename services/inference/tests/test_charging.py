"""N08: memory learns what models cost, and what work in the background has cost; what a server does not count is estimated."""

import asyncio
from typing import Any

import fake_upstream as fake
import pytest
from fake_memory import FakeMemory
from hypothesis import given
from hypothesis import strategies as st
from turns import NewBus, Turn, Work

from inference.delta import Delta, End, Spent, Text
from inference.estimate import EVERY, Meter, prompt_tokens, tokens_of
from inference.prompt import Prompt
from shared.bus import Bus
from shared.contract.inference import COMPLETE, DIGEST, Complete, Digest
from shared.contract.knowledge import DigestMaterial
from shared.contract.objects import PromptMessage, Sampling, Usage

SAID = PromptMessage(role="user", text="hello there")
PROMPT = Prompt((SAID,), Sampling())


async def complete(new_bus: NewBus, **fields: Any) -> Any:
    asker = await new_bus("workflow")
    return await asker.ask(COMPLETE, Complete(messages=[SAID], **fields), timeout=30)


async def charged(memory: FakeMemory) -> Any:
    async with asyncio.timeout(20):
        return await memory.charges.get()


async def test_n08_memory_is_told_the_prices_even_when_it_comes_later(memory: FakeMemory, work: Work):
    memory.away = True
    toml = '[models.a]\nbase_url = "http://x/v1"\nprompt_price = 2.5\ncompletion_price = 10\nmax_output = 100\n'
    await work(models=toml)
    memory.away = False
    async with asyncio.timeout(20):
        while memory.rates is None:
            await asyncio.sleep(0.01)
    first, commands = memory.rates
    assert (first.model, first.prompt_price, first.completion_price, first.default) == ("a", 2.5, 10.0, True)
    assert (first.max_output_tokens, commands.model, commands.prompt_price) == (100, "colloquy-demo", 0.0)


async def test_n08_work_in_the_background_is_charged_to_whom_it_is_for(memory: FakeMemory, work: Work, new_bus: NewBus):
    async with fake.upstream(fake.counts) as server:
        await work(base_url=server.url, model="m")
        await complete(new_bus, user="ana")
        charge = await charged(memory)
        assert (charge.user, charge.model, charge.usage.prompt_tokens, charge.usage.completion_tokens) == ("ana", "m", 3, 2)
        assert charge.usage.estimated is None
        await complete(new_bus)
        await complete(new_bus, user="bob")
        other = await charged(memory)
        assert (other.user, memory.charges.empty()) == ("bob", True), "nobody pays for nobody's"
        assert other.operation_id != charge.operation_id


async def test_n08_a_digest_is_charged_too(memory: FakeMemory, work: Work, bus: Bus):
    async with fake.upstream(fake.counts) as server:
        await work(base_url=server.url, model="m")
        memory.material = DigestMaterial(decision="run", messages=[SAID])
        await bus.store(DIGEST.subject("ana"), Digest(user="ana", conversation_id="c_1", kind="title").encode())
        assert (await charged(memory)).usage.total_tokens == 5


@pytest.mark.parametrize(("behaviour", "text"), [(fake.well, "Héllo 🙂"), (fake.half_then_closes, "half")])
async def test_n08_what_a_server_does_not_count_is_estimated_and_said_to_be(behaviour: Any, text: str, turn: Turn, work: Work):
    async with fake.upstream(behaviour) as server:
        await work(base_url=server.url, model="m", retries=0, tools=False)
        end = await turn.answer("hello there")
        usage = end.usage
        assert (usage.completion_tokens, usage.estimated) == (tokens_of(text), True)
        assert usage.prompt_tokens >= prompt_tokens(PROMPT)
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


async def test_n08_what_failed_half_way_is_charged_for_its_half(memory: FakeMemory, work: Work, new_bus: NewBus):
    async with fake.upstream(fake.half_then_closes) as server:
        await work(base_url=server.url, model="m", retries=0)
        with pytest.raises(Exception, match="cut off"):
            await complete(new_bus, user="ana")
        assert (await charged(memory)).usage.estimated


def test_an_estimate_comes_with_the_first_word_and_again_from_time_to_time():
    meter = Meter(PROMPT)
    out: list[Delta] = []
    for _ in range(EVERY * 3):
        out += meter.through([Text("word")])
    counts = [delta.usage.completion_tokens for delta in out if isinstance(delta, Spent)]
    assert counts == [1, EVERY, EVERY * 2, EVERY * 3]
    last = meter.rest([End("stop")])
    assert (last[0].usage.completion_tokens, last[1]) == (EVERY * 3, End("stop"))


def test_what_the_server_counts_outweighs_an_estimate():
    meter, said = Meter(PROMPT), Spent(Usage(prompt_tokens=1, completion_tokens=1, total_tokens=2))
    assert meter.through([said, Text("word")]) == [said, Text("word")]
    assert meter.rest([End("stop")]) == [End("stop")]


@given(st.text(max_size=300))
def test_an_estimate_is_never_nothing_and_never_more_than_bytes(text: str):
    assert bool(tokens_of(text)) == bool(text)
    assert tokens_of(text) <= max(len(text.encode()), 1) or not text
