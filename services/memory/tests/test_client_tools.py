"""Tools that a client brings along are kept with the answer; calls and results reach the model as its server takes them."""

import json

import pytest

from memory.calling import calls_of, paired
from shared.contract.memory import LIST_MESSAGES, REGENERATE, ListMessages, Regenerate
from shared.contract.objects import PromptCall, PromptMessage
from shared.contract.tools import ToolSpec
from shared.errors import Invalid

WEATHER = ToolSpec(name="weather", description="How it is.", parameters={"type": "object"}, strict=True)
DEMANDS = {
    "client_tools": [WEATHER],
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_object"},
}
CALL = {"id": "call_1", "name": "weather", "arguments": {"city": "Rome"}}


def asks(*ids, text=""):
    calls = [PromptCall(id=one, name="weather", arguments="{}") for one in ids]
    return PromptMessage(role="assistant", text=text, tool_calls=calls)


def result(call, text="fine"):
    return PromptMessage(role="tool", text=text, tool_call_id=call)


def user(text="hi"):
    return PromptMessage(role="user", text=text)


async def test_what_a_client_demands_is_given_to_the_worker_and_to_the_one_that_answers_again(desk):
    accepted = await desk.send(**DEMANDS)
    claim = await desk.claim(accepted.generation_id)
    assert {name: getattr(claim, name) for name in DEMANDS} == DEMANDS
    await desk.finish(accepted.generation_id)
    order = Regenerate(user="ana", conversation_id=accepted.conversation_id, message_id=accepted.answer_id)
    again = await desk.claim((await desk.ask(REGENERATE, order)).generation_id)
    assert again.client_tools == [WEATHER]
    plain = await desk.claim((await desk.send()).generation_id)
    assert (plain.client_tools, plain.response_format) == (None, None)


async def test_no_tools_are_something_else_than_none_given(desk):
    accepted = await desk.send(client_tools=[])
    assert (await desk.claim(accepted.generation_id)).client_tools == []


async def test_calls_and_results_that_a_client_brings_reach_the_model_unchanged(desk):
    odd = '{"city":  "R\\u00f6m"}'
    call = PromptCall(id="call_1", name="weather", arguments=odd)
    history = [
        PromptMessage(role="user", text="weather?", name="ana"),
        PromptMessage(role="assistant", text="", tool_calls=[call]),
    ]
    accepted = await desk.send("sunny", role="tool", tool_call_id="call_1", history=history, temporary=True)
    claim = await desk.claim(accepted.generation_id)
    assert claim.messages == [*history, PromptMessage(role="tool", text="sunny", tool_call_id="call_1")]


async def test_results_go_on_in_the_conversation_that_asked_for_them(desk):
    first = await desk.send("weather?", client_tools=[WEATHER])
    claim = await desk.claim(first.generation_id)
    calls = [CALL, {**CALL, "id": "call_2"}]
    await desk.finish(first.generation_id, claim.epoch, text="", finish_reason="tool_calls", tool_calls=calls)
    results = {"role": "tool", "tool_call_id": "call_2", "history": [result("call_1", "sunny")]}
    second = await desk.send("windy", conversation_id=first.conversation_id, client_tools=[WEATHER], **results)
    claim = await desk.claim(second.generation_id)
    assert [(m.role, m.text, m.tool_call_id) for m in claim.messages] == [
        ("user", "weather?", None),
        ("assistant", "", None),
        ("tool", "sunny", "call_1"),
        ("tool", "windy", "call_2"),
    ]
    assert [call.arguments for call in claim.messages[1].tool_calls] == [{"city": "Rome"}] * 2
    await desk.finish(second.generation_id, claim.epoch, text="Sunny and windy.")
    page = await desk.ask(LIST_MESSAGES, ListMessages(user="ana", conversation_id=first.conversation_id))
    assert [m.tool_call_id for m in page.messages] == [None, None, "call_1", "call_2", None]
    with pytest.raises(Invalid):
        await desk.send("x", conversation_id=first.conversation_id, history=[user()])


async def test_who_goes_on_without_a_result_is_answered_all_the_same(desk):
    first = await desk.send("weather?", client_tools=[WEATHER])
    claim = await desk.claim(first.generation_id)
    await desk.finish(first.generation_id, claim.epoch, text="Let me see.", finish_reason="tool_calls", tool_calls=[CALL])
    second = await desk.send("never mind", conversation_id=first.conversation_id)
    claim = await desk.claim(second.generation_id)
    assert [(m.role, m.text, m.tool_calls) for m in claim.messages] == [
        ("user", "weather?", None),
        ("assistant", "Let me see.", None),
        ("user", "never mind", None),
    ]


def test_a_call_that_was_carried_out_here_is_nothing_that_a_client_has_to_answer():
    assert calls_of(json.dumps([{**CALL, "status": "completed"}])) == ()
    assert [call.id for call in calls_of(json.dumps([CALL]))] == ["call_1"]


@pytest.mark.parametrize(
    ("messages", "kept"),
    [
        ([user(), asks("a", "b"), result("a"), result("b")], [0, 1, 2, 3]),
        ([user(), asks("a", "b"), result("b"), result("a")], [0, 1, 2, 3]),
        ([user(), asks("a"), user()], [0, 2]),
        ([result("a"), user()], [1]),
        ([asks("a"), result("a"), result("z"), user()], [0, 1, 3]),
        ([user(), PromptMessage(role="tool", text="plain"), user()], [0, 1, 2]),
    ],
)
def test_a_model_gets_no_call_without_its_result_and_no_result_without_its_call(messages, kept):
    assert paired(messages) == [messages[place] for place in kept]


def test_the_result_that_is_asked_about_is_never_dropped():
    assert paired([result("a", "sunny")]) == [PromptMessage(role="tool", text="sunny")]
    assert paired([asks("b"), result("b"), result("a")])[-1] == PromptMessage(role="tool", text="fine")


async def test_a_chat_has_the_name_that_its_client_gave_it(desk):
    first = await desk.send("one", chat="my chat \0")
    await desk.answer(first.generation_id)
    second = await desk.send("two", chat="my chat \0")
    others = await desk.send("three", chat="my chat \0", user="bob")
    same = await desk.send("four", chat=first.conversation_id)
    assert {first.conversation_id, second.conversation_id, same.conversation_id} == {first.conversation_id}
    assert others.conversation_id != first.conversation_id
    foreign = await desk.send("five", chat=first.conversation_id, user="bob")
    assert foreign.conversation_id not in (first.conversation_id, others.conversation_id)
