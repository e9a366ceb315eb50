"""N14: the clients of others against a whole Colloquy: their tools, their streams, their stops."""

import asyncio
import json

import fake_upstream as fake
import pytest
from openai import AsyncOpenAI
from support import node
from support.system import running

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}, "strict": True}}
ASKED = {"role": "user", "content": "How is Rome?"}


async def model(x: fake.Exchange) -> None:
    """Calls the client's tool once, then says what it heard of it. Without tools it never ends."""
    last = x.body["messages"][-1]
    if last["role"] != "tool" and "tools" in x.body:
        await x.begin()
        called = {"index": 0, "id": "call_7", "type": "function", "function": {"name": "weather", "arguments": '{"city":'}}
        await x.chunk(fake.event({"choices": [{"delta": {"tool_calls": [called]}}]}))
        rest = {"index": 0, "function": {"arguments": '"Rome"}'}}
        await x.chunk(fake.event({"choices": [{"delta": {"tool_calls": [rest]}, "finish_reason": "tool_calls"}]}))
        await x.end()
    elif last["role"] == "tool":
        await x.begin()
        await x.say(f"It is {last['content']}.")
        await x.end()
    else:
        await fake.drips(x)


@pytest.fixture
async def server():
    async with fake.upstream(model) as upstream:
        yield upstream


@pytest.fixture
async def whole(server, tmp_path):
    with running(tmp_path, INFERENCE_BASE_URL=server.url, INFERENCE_MODEL="m") as system:
        yield system


def client(system):
    return AsyncOpenAI(base_url=f"{system.url}/v1", api_key="-", default_query={"user": "ana"}, timeout=60)


async def test_n14_the_openai_library_carries_its_tools_out_and_hanging_up_ends_the_call(whole, server):
    async with client(whole) as openai, whole.client() as ana:
        stream = await openai.chat.completions.create(model="m", messages=[ASKED], tools=[WEATHER], stream=True)
        chunks = [chunk async for chunk in stream]
        (called,) = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
        assert (called.id, called.function.name, json.loads(called.function.arguments)) == (
            "call_7",
            "weather",
            {"city": "Rome"},
        )
        assert chunks[-1].choices[0].finish_reason == "tool_calls"
        call = {"id": "call_7", "type": "function", "function": {"name": "weather", "arguments": '{"city":  "Rome"}'}}
        told = [ASKED, {"role": "assistant", "content": None, "tool_calls": [call]}]
        told.append({"role": "tool", "tool_call_id": "call_7", "content": "sunny"})
        answer = await openai.chat.completions.create(model="m", messages=told, tools=[WEATHER], stop=["x"])
        assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("It is sunny.", "stop")
        sent = server.requests[-1].body
        assert (sent["messages"][-2:], sent["tools"], sent["stop"]) == (told[1:], [WEATHER], ["x"])
        await stored(openai, ana)
        stream = await openai.chat.completions.create(model="m", messages=[ASKED], stream=True)
        assert (await anext(aiter(stream))).choices
        while not server.closed.locked():
            await server.closed.acquire()
        await stream.close()
        async with asyncio.timeout(20):
            await server.closed.acquire()


async def stored(openai, ana):
    """The same in a conversation that is kept: only what is new is sent, and all of it can be read."""
    conversation = (await ana.call("POST", "/api/v1/conversations", json={"title": "Rome"}))["id"]
    named = {"model": "m", "tools": [WEATHER], "extra_body": {"metadata": {"conversation_id": conversation}}}
    first = await openai.chat.completions.create(messages=[ASKED], **named)
    (call,) = first.choices[0].message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": "windy"}
    second = await openai.chat.completions.create(messages=[ASKED, first.choices[0].message.model_dump(), result], **named)
    assert second.choices[0].message.content == "It is windy."
    messages = await ana.messages(conversation)
    assert [(one["role"], one["text"]) for one in messages] == [
        ("user", "How is Rome?"),
        ("assistant", ""),
        ("tool", "windy"),
        ("assistant", "It is windy."),
    ]
    assert messages[1]["toolCalls"][0]["arguments"] == {"city": "Rome"}


async def test_n14_the_ai_sdk_streams_resumes_and_stops(system):
    seen = await node.run("ai_sdk.mjs", system.url, "ai-ana", "resume=count to 300", "stop=count to 10000")
    assert seen["resume"]["same"]
    assert seen["resume"]["statuses"] == ["ready"] * 3
    assert seen["resume"]["text"].split()[-1].strip(".") == "300"
    assert seen["stop"]["same"]
    assert seen["stop"]["statuses"] == ["ready"] * 3
    assert seen["stop"]["stored"][-1]["metadata"]["status"] == "cancelled"
    assert seen["stop"]["stored"][-1]["parts"][-1]["text"] == seen["stop"]["text"]


async def test_n14_the_ai_sdk_decides_about_calls(system):
    asked = "remind me to call John tomorrow at 9"
    async with system.client("ai-ben") as ben:
        await ben.call("PUT", "/api/v1/preferences", json={"toolPolicy": {"create_task": "ask"}})
        seen = await node.run("ai_sdk.mjs", system.url, "ai-ben", f"approve={asked}", f"reject={asked}")
        tasks = (await ben.call("GET", "/api/v1/tasks"))["tasks"]
    for one, state in ((seen["approve"], "output-available"), (seen["reject"], "output-denied")):
        assert "dynamic-tool:approval-requested" in one["asked"]
        assert one["messages"] == 2
        assert f"dynamic-tool:{state}" in one["kinds"]
        assert one["stored"][-1]["parts"][-1]["text"] == one["text"]
    assert [task["title"] for task in tasks] == ["call John"]
