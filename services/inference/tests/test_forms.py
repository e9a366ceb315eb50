"""M060: strict JSON against a schema, with exactly one repair; the prompts of the planner and of actions."""

import json
from datetime import UTC, datetime
from typing import Any

import fake_upstream as fake
import pytest
from fake_memory import FakeMemory
from turns import NewBus, Work

from inference.forms import ACTIONS_SCHEMA, PLAN_SCHEMA, NotAsAsked, form_of
from shared.contract.inference import COMPLETE, Complete
from shared.contract.objects import PromptMessage
from shared.errors import Invalid, ModelRefused, NotInForm

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def says(*answers: str) -> list[fake.Behaviour]:
    def saying(text: str) -> fake.Behaviour:
        async def behave(x: fake.Exchange) -> None:
            await x.begin()
            await x.say(text)
            await x.chunk(fake.event({"choices": [], "usage": USAGE}))
            await x.end()

        return behave

    return [saying(text) for text in answers]


async def asked(new_bus: NewBus, text: str = "What is n?", **fields: Any) -> Any:
    asker = await new_bus("workflow")
    fields = {"form": "json", "json_schema": SCHEMA} | fields
    return await asker.ask(COMPLETE, Complete(messages=[PromptMessage(role="user", text=text)], **fields), timeout=30)


@pytest.mark.parametrize("text", ['{"n": 7}', ' {"n":7}\n', '```json\n{"n": 7}\n```'])
async def test_m060_json_that_fits_is_given_back_compact(text: str, work: Work, new_bus: NewBus):
    async with fake.upstream(*says(text)) as server:
        await work(base_url=server.url, model="m")
        said = await asked(new_bus)
        assert (said.text, said.usage.total_tokens, len(server.requests)) == ('{"n":7}', 5, 1)
        [told, question] = server.requests[0].body["messages"]
        assert (told["role"], json.dumps(SCHEMA, separators=(",", ":")) in told["content"]) == ("system", True)
        assert question == {"role": "user", "content": "What is n?"}
        assert "response_format" not in server.requests[0].body


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("n is 7", "not one JSON value"),
        ('{"n": "x"}', "$.n: 'x' is not of type 'integer'"),
        ("{}", "'n' is a required property"),
    ],
)
async def test_m060_what_is_wrong_is_told_once(wrong: str, why: str, work: Work, new_bus: NewBus, memory: FakeMemory):
    async with fake.upstream(*says(wrong, '{"n": 7}')) as server:
        await work(base_url=server.url, model="m")
        said = await asked(new_bus, user="ana")
        assert (said.text, said.usage.total_tokens) == ('{"n":7}', 10)
        again = server.requests[1].body["messages"]
        assert again[2] == {"role": "assistant", "content": wrong}
        assert why in again[3]["content"]
        assert [(await memory.charges.get()).usage.total_tokens for _ in range(2)] == [5, 5]


async def test_m060_there_is_exactly_one_repair(work: Work, new_bus: NewBus):
    async with fake.upstream(*says("no", "no", '{"n": 7}')) as server:
        await work(base_url=server.url, model="m")
        with pytest.raises(NotInForm):
            await asked(new_bus)
        assert len(server.requests) == 2


async def test_m060_a_server_that_can_hold_a_model_to_a_schema_is_told_to(work: Work, new_bus: NewBus):
    async with fake.upstream(*says('{"n": 7}')) as server:
        await work(models=f'[models.m]\nbase_url = "{server.url}"\ncapabilities = ["json"]\n')
        await asked(new_bus)
        form = server.requests[0].body["response_format"]
        assert (form["type"], form["json_schema"]["schema"]) == ("json_schema", SCHEMA)


async def test_a_schema_that_is_none_is_refused_and_rules_make_up_no_json(work: Work, new_bus: NewBus):
    await work()
    with pytest.raises(Invalid, match="json_schema"):
        await asked(new_bus, json_schema={"type": "magic"})
    with pytest.raises(ModelRefused):
        await asked(new_bus)


async def test_m060_the_planner(work: Work, new_bus: NewBus):
    plan = {"priorities": ["a", "b", "c"], "todos": ["d"], "notes": ["e"]}
    async with fake.upstream(*says(json.dumps(plan | {"priorities": ["a", "b", "c", "d"]}), json.dumps(plan))) as server:
        await work(base_url=server.url, model="m")
        said = await asked(new_bus, "Tasks: …", form="plan", json_schema=None)
        assert json.loads(said.text) == plan
        assert "plan a person's day" in server.requests[0].body["messages"][0]["content"]


async def test_m060_actions_of_a_text(work: Work, new_bus: NewBus):
    good = {"actions": [{"event": "create_task", "payload": {"title": "Call John", "due": "2026-11-29T09:00:00+01:00"}}]}
    async with fake.upstream(*says('{"actions": [{"event": "create_task", "payload": {}}]}', json.dumps(good))) as server:
        await work(base_url=server.url, model="m")
        said = await asked(new_bus, "Remind me …", form="actions", timezone="Europe/Berlin", json_schema=None)
        assert json.loads(said.text) == good
        told = [message["content"] for message in server.requests[1].body["messages"]]
        assert "for the person" in told[0]
        assert "$.actions[0].payload: 'title' is a required property" in told[3]


async def test_m060_without_a_model_rules_do_it(work: Work, new_bus: NewBus):
    await work()
    plan = await asked(new_bus, "Buy bread; call John", form="plan", json_schema=None)
    assert (json.loads(plan.text)["priorities"], plan.kind) == (["Buy bread", "call John"], "embedded")
    found = await asked(new_bus, "remind me to call John tomorrow at 9", form="actions", json_schema=None)
    [action] = json.loads(found.text)["actions"]
    assert (action["event"], "call John" in action["payload"]["title"]) == ("create_task", True)
    nothing = await asked(new_bus, "hello", form="actions", json_schema=None)
    assert json.loads(nothing.text) == {"actions": []}


@pytest.mark.parametrize(
    ("form", "text", "fits"),
    [
        ("plan", '{"priorities":[],"todos":[],"notes":[]}', True),
        ("plan", '{"priorities":[],"todos":[],"notes":["a","b"]}', False),
        ("plan", '{"priorities":[1],"todos":[],"notes":[]}', False),
        ("plan", '{"priorities":[],"todos":[],"notes":[],"more":1}', False),
        ("actions", '{"actions":[]}', True),
        ("actions", '{"actions":[{"event":"complete_task","payload":{"title":"x"}}]}', True),
        ("actions", '{"actions":[{"event":"complete_task","payload":{}}]}', False),
        ("actions", '{"actions":[{"event":"delete_all","payload":{}}]}', False),
        ("actions", "[" * 100_000, False),
        ("actions", '{"actions":[{"event":"pin_memory","payload":{"type":"a","key":"b","value":[1]}}]}', True),
        ("actions", '{"actions":[{"event":"create_event","payload":{"title":"x","start":"2026-01-01"}}]}', False),
    ],
)
def test_m060_the_forms(form: Any, text: str, fits: bool):
    asked_for = form_of(Complete(messages=[PromptMessage(role="user", text="x")], form=form), NOW)
    assert asked_for is not None
    if fits:
        assert json.loads(asked_for.read(text)) == json.loads(text)
    else:
        with pytest.raises(NotAsAsked):
            asked_for.read(text)


def test_a_schema_is_a_schema():
    for schema in (PLAN_SCHEMA, ACTIONS_SCHEMA):
        assert form_of(Complete(messages=[PromptMessage(role="user", text="x")], form="json", json_schema=schema), NOW)
