"""Tools of a client pass through: the model's server gets them as the client had them, and nothing is carried out here."""

import json

import fake_upstream as fake
from turns import Turn, Work

from inference.prompt import Prompt, hash_of_prompt
from shared.contract.objects import PromptCall, PromptMessage, Sampling
from shared.contract.tools import ToolSpec

TASK = ToolSpec(name="create_task", description="Notes a task.", parameters={"type": "object"}, strict=True)
ODD = '{"title":  "Br\\u00f6t"}'
JSON = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}, "strict": True}}


async def calls(x: fake.Exchange) -> None:
    await x.begin()
    call = {"index": 0, "id": "call_9", "type": "function", "function": {"name": "create_task", "arguments": '{"title":'}}
    await x.chunk(fake.event({"choices": [{"delta": {"content": "Well. ", "tool_calls": [call]}}]}))
    rest = {"index": 0, "function": {"arguments": ' "Bread"}'}}
    await x.chunk(fake.event({"choices": [{"delta": {"tool_calls": [rest]}, "finish_reason": "tool_calls"}]}))
    await x.end()


async def test_the_server_gets_the_tools_and_messages_as_the_client_had_them(turn: Turn, work: Work) -> None:
    messages = [
        PromptMessage(role="user", text="bread", name="ana"),
        PromptMessage(role="assistant", text="", tool_calls=[PromptCall(id="a", name="create_task", arguments=ODD)]),
        PromptMessage(role="tool", text="done", tool_call_id="a"),
    ]
    async with fake.upstream(calls) as server:
        await work(base_url=server.url, model="m")
        choice = {"type": "function", "function": {"name": "create_task"}}
        demands = {"client_tools": [TASK], "tool_choice": choice, "parallel_tool_calls": False, "response_format": JSON}
        end = await turn.answer("", messages=messages, **demands)
    (request,) = server.requests
    assert request.body["messages"] == [
        {"role": "user", "content": "bread", "name": "ana"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "create_task", "arguments": ODD}}],
        },
        {"role": "tool", "content": "done", "tool_call_id": "a"},
    ]
    assert request.body["tools"] == [{"type": "function", "function": TASK.wire()}]
    assert [request.body[name] for name in ("tool_choice", "parallel_tool_calls", "response_format")] == [choice, False, JSON]
    assert (end.outcome, end.finish_reason, end.text) == ("completed", "tool_calls", "Well. ")


async def test_a_clients_call_is_told_and_left_to_the_client_whatever_it_is_called(turn: Turn, work: Work) -> None:
    async with fake.upstream(calls) as server:
        await work(base_url=server.url, model="m")
        end = await turn.answer("bread", client_tools=[TASK])
    assert len(server.requests) == 1
    assert end.actions == []
    assert end.tool_calls == [{"id": "call_9", "name": "create_task", "arguments": {"title": "Bread"}}]
    (started,) = [one.event for one in await turn.log() if one.type == "tool.started"]
    assert (started["toolCallId"], started["name"], started["arguments"]) == ("call_9", "create_task", {"title": "Bread"})


async def test_a_model_by_rules_says_that_it_can_not_answer_in_another_form(turn: Turn, work: Work) -> None:
    await work()
    free = await turn.answer("/echo a", client_tools=[TASK], tool_choice="auto")
    assert (free.outcome, free.text) == ("completed", "a")
    for number, demands in enumerate(({"response_format": JSON}, {"client_tools": [TASK], "tool_choice": "required"})):
        end = await turn.answer("/echo a", generation=f"g_{number + 2}", **demands)
        assert (end.outcome, end.error.code) == ("failed", "not_supported")


def test_the_audit_tells_prompts_with_other_tools_apart() -> None:
    messages = (PromptMessage(role="user", text="a"),)
    hashes = {hash_of_prompt(Prompt(messages, Sampling(), tools)) for tools in ((), (TASK,))}
    assert len(hashes) == 2
    assert json.dumps(Prompt(messages, Sampling()).demands()) == "{}"
