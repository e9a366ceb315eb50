"""What is configured is what can be named; what contradicts itself does not start."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from turns import NewBus, Turn, Work

from inference.adapters.embedded import Embedded
from inference.adapters.openai_compatible import Retries, delay_of, seconds_of
from inference.answer import Answer
from inference.app import application
from inference.attempt import Asked, Attempt, Surroundings, begun
from inference.guard import Deadlines, Guard
from inference.lines import Clock
from inference.models import Models
from inference.outcome import SURELY_FITS, finish
from inference.pacer import Pacer
from inference.prompt import prompt_of
from inference.settings import InferenceSettings
from inference.tools.offer import Offer
from inference.worker import Worker
from shared.bus import Bus, Delivery, Rejected
from shared.contract.inference import LIST_MODELS, Generate, ListModels
from shared.contract.memory import ClaimGeneration, FinishGeneration
from shared.errors import Invalid, TooLarge


async def models(bus: Bus) -> list[tuple[str, str]]:
    return [(model.id, model.kind) for model in (await bus.ask(LIST_MODELS, ListModels())).models]


async def test_without_settings_there_are_the_built_in_commands_and_they_say_so(work: Work, bus: Bus):
    await work()
    [model] = (await bus.ask(LIST_MODELS, ListModels())).models
    assert (model.id, model.description) == ("colloquy-demo", "Built-in commands (no AI model)")


async def test_configured_models_come_first(work: Work, bus: Bus):
    await work(base_url="http://127.0.0.1:1/v1/", model="big, small")
    assert await models(bus) == [("big", "openai"), ("small", "openai"), ("colloquy-demo", "embedded")]


@pytest.mark.parametrize(
    "settings",
    [{"base_url": "http://127.0.0.1/v1"}, {"model": "m"}, {"base_url": "ftp://x", "model": "m"}],
)
async def test_settings_that_contradict_each_other_are_refused_with_a_sentence(settings: dict[str, str], new_bus: NewBus):
    bus = await new_bus("inference")
    with pytest.raises(Invalid, match="INFERENCE_BASE_URL"):
        async with application(InferenceSettings(**settings), bus):
            pass


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INFERENCE_EXTRA_HEADERS", '{"X-A": "secret"}')
    monkeypatch.setenv("INFERENCE_DEMO_TOKENS_PER_SECOND", "0")
    settings = InferenceSettings()
    assert settings.extra_headers["X-A"].get_secret_value() == "secret"
    assert settings.demo_tokens_per_second == 0
    assert "secret" not in repr(settings)
    assert all(field.description and field.description.endswith(".") for field in InferenceSettings.model_fields.values())


async def test_f27_a_generation_that_nobody_can_do_is_abandoned(turn: Turn, new_bus: NewBus):
    row = turn.memory.add("hi")
    row.claim = SimpleNamespace()  # Memory answers with a bug: every delivery fails.
    async with application(InferenceSettings(), await new_bus("inference")):
        await turn.order()
        await turn.ended(row, 30)
    assert row.abandoned.error.code == "abandoned"


async def test_the_start_of_an_answer_is_stored_while_its_tools_are_looked_for(turn: Turn, new_bus: NewBus):
    found: asyncio.Future[Offer] = asyncio.get_running_loop().create_future()
    tools = SimpleNamespace(offer=lambda *_: found)
    around = Surroundings(turn.memory, turn.memory, tools, await new_bus("inference"), Pacer(), Clock())
    row = turn.memory.add("count to 3")
    worker = Worker(InferenceSettings(), "w", Models([Embedded(0)]), around)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(
            worker.generate(Generate(generation_id="g_1", user="ana", conversation_id="c_1"), Delivery(1, last=False))
        )
        while not await turn.log():
            await asyncio.sleep(0.01)
        assert [one.type for one in await turn.log()] == ["generation.started"]
        found.set_result(Offer())
    assert (row.end.outcome, row.end.text) == ("completed", "1, 2, 3")


async def test_f27_an_attempt_that_fails_by_a_bug_is_not_released_to_fail_for_ever(turn: Turn):
    def broken(*_: object, **__: object):
        ack = asyncio.get_running_loop().create_future()
        ack.set_exception(Rejected())
        return ack

    row = turn.memory.add("count to 3")
    claim = await turn.memory.claim(ClaimGeneration(generation_id="g_1", worker="w"))
    around = Surroundings(turn.memory, turn.memory, SimpleNamespace(), SimpleNamespace(append=broken), Pacer(), Clock())
    guard = Guard(Deadlines(5, 5, 5))
    asked = Asked(Embedded(10), prompt_of(claim, ""), Offer())
    tokens = await begun("g_1", claim, asked.model, guard, around)
    with pytest.raises(ExceptionGroup):
        await Attempt("g_1", claim, asked, Answer(100), guard, around, tokens).run()
    assert (row.releases, row.end) == (0, None)


async def test_an_end_that_does_not_fit_into_a_message_is_cut_and_said_to_be(turn: Turn):
    told: list[FinishGeneration] = []

    async def refuse(end: FinishGeneration):
        told.append(end)
        if len(end.text) > SURELY_FITS:
            raise TooLarge

    end = FinishGeneration(generation_id="g_1", epoch=1, outcome="completed", text="x" * 90_000)
    assert await finish(SimpleNamespace(finish=refuse), end)
    assert (told[1].outcome, told[1].error.code, len(told[1].text)) == ("failed", "too_long", SURELY_FITS)


def test_f24_retries_are_bounded_and_spread():
    retries = Retries(limit=2, delay=0.5, cap=10, within=15)
    assert [delay_of(retries, attempt, None, 0.5) for attempt in range(3)] == [0.5, 1.0, None]
    assert (delay_of(retries, 0, None, 0.0), delay_of(retries, 0, 7.0, 0.0), delay_of(retries, 0, 11.0, 0.0)) == (
        0.25,
        7.0,
        None,
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), ("-1", 0.0), ("Fri, 20 Nov 2026 16:00:05 GMT", 5.0), ("soon", None), ("", None), (None, None), ("nan", None),
     ("99999999999999999999", 1e20)],
)  # fmt: skip
def test_f24_a_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None):
    assert seconds_of(header, datetime(2026, 11, 20, 16, 0, 0, tzinfo=UTC)) == seconds
