"""N07, F22 to F26: a chain of models answers as long as one of them does; after the first word nobody takes over."""

from typing import Any

import fake_upstream as fake
import pytest
from prometheus_client import REGISTRY
from turns import NewBus, Turn, Work, folded

from inference.settings import InferenceSettings
from shared.contract.inference import COMPLETE, Complete, StopNow
from shared.contract.objects import PromptMessage
from shared.contract.subjects import stop_signal
from shared.errors import ModelBusy

WELL = "Héllo 🙂"
QUICK = {
    "first_token_seconds": 0.6,
    "idle_seconds": 0.5,
    "total_seconds": 20,
    "retries": 0,
    "retry_delay_seconds": 0.01,
    "retry_after_cap_seconds": 0.2,
}
NOWHERE = "http://127.0.0.1:1/v1"
NO_NAME = "http://nowhere.invalid/v1"


def toml(first: str, second: str, *more: str, fallback: str = '["second"]') -> str:
    lines = (
        "[models.first]", f'base_url = "{first}"', 'api_key = "k1"', f"fallback = {fallback}", *more,
        "[models.second]", f'base_url = "{second}"', 'api_key = "k2"', 'headers = { X-Team = "7" }',
    )  # fmt: skip
    return "\n".join(lines)


BEFORE_THE_FIRST_TOKEN: dict[str, fake.Behaviour] = {
    "F24 500": fake.refuses("500 Oops"),
    "F24 429": fake.refuses("429 Slow"),
    "F24 429 with a Retry-After over the cap": fake.refuses("429 Slow", "Retry-After: 60"),
    "F24 529": fake.refuses("529 Overloaded"),
    "401: its key is wrong": fake.refuses("401 No"),
    "402: no money there": fake.refuses("402 Pay"),
    "404: no such model there": fake.refuses("404 Not Found"),
    "400: the question is too long for it": fake.refuses(
        "400 Bad", body=b'{"error": {"code": "context_length_exceeded", "message": "secret words"}}'
    ),
    "F25 garbage": fake.bad_json_at_once,
    "F25 a page": fake.refuses("200 OK", "Content-Type: text/html", body=b"<html>"),
    "F25 a gzip bomb": fake.compressed,
    "F25 a tool call that is never closed": fake.unclosed_tool_call,
    "F26 nothing": fake.refuses("200 OK", body=b""),
    "F26 an end without a word": fake.begins_and_ends,
    "F22 it closes at once": fake.closes_at_once,
    "F22 it speaks no HTTP": fake.speaks_no_http,
    "F23 it hangs": fake.hangs,
    "F23 it hangs after the headers": fake.hangs_after_headers,
    "F23 comments only": fake.only_comments,
}


@pytest.mark.parametrize("name", BEFORE_THE_FIRST_TOKEN)
async def test_n07_before_the_first_token_the_next_model_answers(name: str, turn: Turn, work: Work):
    async with fake.upstream(BEFORE_THE_FIRST_TOKEN[name]) as bad, fake.upstream(fake.well) as good:
        await work(models=toml(bad.url, good.url), **QUICK)
        end = await turn.answer("hi")
        assert (end.outcome, end.text, end.model) == ("completed", WELL, "second")
        assert folded(await turn.log()) == WELL
        assert (len(bad.requests), len(good.requests)) == (0 if "closes" in name and not bad.requests else 1, 1)
        headers = good.requests[0].headers
        assert (headers["authorization"], headers["x-team"]) == ("Bearer k2", "7"), "and not the key of the other"


@pytest.mark.parametrize("url", [NOWHERE, NO_NAME])
async def test_f22_a_server_that_is_not_there_is_no_loss(url: str, turn: Turn, work: Work):
    async with fake.upstream(fake.well) as good:
        await work(models=toml(url, good.url), **QUICK | {"first_token_seconds": 5})
        assert (await turn.answer("hi")).model == "second"


async def test_f22_nor_is_one_without_tls(turn: Turn, work: Work):
    async with fake.upstream(fake.well) as plain, fake.upstream(fake.well) as good:
        await work(models=toml(plain.url.replace("http", "https"), good.url), connect_seconds=0.2, **QUICK)
        assert (await turn.answer("hi")).model == "second"


AFTER: dict[str, tuple[fake.Behaviour, str]] = {
    "F26 it closes": (fake.half_then_closes, "incomplete"),
    "F26 it resets": (fake.half_then_resets, "incomplete"),
    "F25 garbage": (fake.bad_json, "upstream_malformed"),
    "F25 an error": (fake.error_in_mid_stream, "upstream_unavailable"),
    "F23 it hangs": (fake.half_then_hangs, "upstream_timeout"),
}


@pytest.mark.parametrize("name", AFTER)
async def test_n07_after_the_first_token_nobody_takes_over(name: str, turn: Turn, work: Work):
    behaviour, code = AFTER[name]
    async with fake.upstream(behaviour) as bad, fake.upstream(fake.well) as good:
        await work(models=toml(bad.url, good.url), canned_reply="Sorry.", **QUICK)
        end = await turn.answer("hi")
        assert (end.outcome, end.error.code, end.text, end.model) == ("failed", code, "half", "first")
        assert good.requests == []


async def test_what_a_server_refuses_in_a_question_is_not_carried_to_the_next(turn: Turn, work: Work):
    refusal = fake.refuses("400 Bad", body=b'{"error": {"code": "content_filter"}}')
    async with fake.upstream(refusal) as strict, fake.upstream(fake.well) as lax:
        await work(models=toml(strict.url, lax.url), canned_reply="Sorry.", **QUICK)
        end = await turn.answer("hi")
        assert (end.outcome, end.error.code, lax.requests) == ("failed", "upstream_refused", [])


async def test_when_nobody_answers_the_last_reason_is_told(turn: Turn, work: Work):
    async with fake.upstream(fake.hangs) as first, fake.upstream(fake.refuses("429 Slow")) as second:
        await work(models=toml(first.url, second.url), **QUICK)
        end = await turn.answer("hi")
        assert (end.outcome, end.error.code, end.model) == ("failed", "upstream_rate_limited", "second")


async def test_m055_the_last_resort_is_a_canned_reply_that_says_what_it_is(turn: Turn, work: Work):
    async with fake.upstream(fake.refuses("500 Oops")) as server:
        await work(models=toml(server.url, NOWHERE), canned_reply="Nobody is here. Try again soon.", **QUICK)
        end = await turn.answer("hi")
        assert (end.outcome, end.text, end.model) == ("completed", "Nobody is here. Try again soon.", "canned")
        assert (end.usage, end.finish_reason) == (None, "stop")


async def test_a_canned_reply_is_no_json(turn: Turn, work: Work):
    async with fake.upstream(fake.refuses("500 Oops")) as server:
        await work(models=toml(server.url, NOWHERE, fallback='["colloquy-demo"]'), canned_reply="Sorry.", **QUICK)
        end = await turn.answer("hi", response_format={"type": "json_object"})
        assert (end.outcome, end.error.code) == ("failed", "upstream_unavailable")


async def test_a_canned_reply_is_no_end_of_an_answer_that_a_model_has_begun(turn: Turn, work: Work):
    told = [{"role": "user", "text": "hi"}, {"role": "tool", "text": "7", "tool_call_id": "a"}]
    async with fake.upstream(fake.refuses("500 Oops")) as server:
        await work(models=toml(server.url, NOWHERE), canned_reply="Sorry.", **QUICK)
        end = await turn.answer("hi", messages=told)
        assert (end.outcome, end.error.code) == ("failed", "upstream_unavailable")


async def test_m055_work_in_the_background_gets_no_canned_reply_and_no_commands(turn: Turn, work: Work, new_bus: NewBus):
    await work(models=toml(NOWHERE, NOWHERE, fallback='["colloquy-demo"]'), canned_reply="Sorry.", **QUICK)
    asker = await new_bus("workflow")
    with pytest.raises(ModelBusy):
        await asker.ask(COMPLETE, Complete(messages=[PromptMessage(role="user", text="plan it")]), timeout=30)
    assert (await turn.answer("count to 2")).model == "colloquy-demo"


async def test_a_completion_names_the_model_that_made_it(work: Work, new_bus: NewBus):
    async with fake.upstream(fake.well) as good:
        await work(models=toml(NOWHERE, good.url), **QUICK)
        asker = await new_bus("workflow")
        said = await asker.ask(COMPLETE, Complete(messages=[PromptMessage(role="user", text="hi")]), timeout=30)
        assert (said.text, said.model, said.kind) == (WELL, "second", "openai")


async def test_f24_a_short_retry_after_is_waited_for_before_the_next_model_is_asked(turn: Turn, work: Work):
    busy = fake.refuses("429 Slow", "Retry-After: 0.05")
    async with fake.upstream(busy, fake.well) as first, fake.upstream(fake.well) as second:
        await work(models=toml(first.url, second.url), **QUICK | {"retries": 2})
        assert (await turn.answer("hi")).model == "first"
        assert second.requests == []


async def test_a_model_that_calls_no_tools_is_told_of_none(turn: Turn, work: Work):
    tools = [{"name": "f", "description": "", "parameters": {}}]
    async with fake.upstream(fake.refuses("500 Oops")) as first, fake.upstream(fake.well) as second:
        await work(models=toml(first.url, second.url) + "\ncapabilities = []", **QUICK)
        assert (await turn.answer("hi", "g_1", client_tools=tools)).model == "second"
        assert ("tools" in first.requests[0].body, "tools" in second.requests[0].body) == (True, False)
        end = await turn.answer("hi", "g_2", client_tools=tools, tool_choice="required")
        assert (end.outcome, end.error.code, len(second.requests)) == ("failed", "upstream_unavailable", 1)


async def test_a_slow_model_may_have_its_own_time_to_the_first_token(turn: Turn, work: Work):
    async with fake.upstream(fake.late) as slow, fake.upstream(fake.well) as good:
        more = "first_token_seconds = 20"
        await work(models=toml(slow.url, good.url, more), **QUICK)
        assert ((await turn.answer("hi")).model, good.requests) == ("first", [])


async def test_stop_stops_the_chain_and_not_only_the_first(turn: Turn, work: Work):
    async with fake.upstream(fake.hangs) as first, fake.upstream(fake.well) as second:
        await work(models=toml(first.url, second.url), **QUICK | {"first_token_seconds": 30})
        row = turn.memory.add("hi")
        await turn.order()
        await fake.asked(first)
        await turn.bus.tell(stop_signal("g_1"), StopNow(generation_id="g_1"))
        assert ((await turn.ended(row)).outcome, second.requests) == ("cancelled", [])


async def test_f22_a_provider_that_fails_again_and_again_is_left_alone(turn: Turn, work: Work):
    async with fake.upstream(fake.refuses("500 Oops")) as bad, fake.upstream(fake.well) as good:
        await work(models=toml(bad.url, good.url), breaker_failures=2, breaker_seconds=600, **QUICK)
        for number in range(4):
            assert (await turn.answer("hi", f"g_{number}")).model == "second"
        assert (len(bad.requests), len(good.requests)) == (2, 4)
        assert REGISTRY.get_sample_value("colloquy_circuit_state", {"provider": bad.url[7:-3]}) == 2.0


async def test_f22_with_nobody_else_it_fails_at_once_and_is_tried_again_by_one(turn: Turn, work: Work):
    async with fake.upstream(fake.refuses("500 Oops"), fake.well) as server:
        await work(base_url=server.url, model="m", breaker_failures=1, breaker_seconds=1.0, **QUICK)
        assert (await turn.answer("hi", "g_1")).error.code == "upstream_unavailable"
        end = await turn.answer("hi", "g_2")
        assert ("left alone" in end.error.message, len(server.requests)) == (True, 1)
        number = 3
        while (await turn.answer("hi", f"g_{number}")).outcome == "failed":
            number += 1
        assert len(server.requests) == 2


async def test_fallbacks_are_counted(turn: Turn, work: Work):
    labels = {"model": "first", "next": "second", "code": "upstream_unavailable"}
    before: Any = REGISTRY.get_sample_value("colloquy_model_fallbacks_total", labels) or 0
    async with fake.upstream(fake.well) as good:
        await work(models=toml(NOWHERE, good.url), **QUICK)
        await turn.answer("hi")
    assert REGISTRY.get_sample_value("colloquy_model_fallbacks_total", labels) == before + 1


def test_the_canned_reply_is_off_unless_it_is_set():
    assert InferenceSettings().canned_reply == ""
