"""N14: the official OpenAI library works unchanged; what isn't supported is said in its own shape."""

import asyncio
import json

import openai
import pytest
from openai import AsyncOpenAI

IMAGE = {"type": "image_url", "image_url": {"url": "http://x"}}
HELLO = [{"role": "user", "content": "count to 3"}]


@pytest.fixture
async def client(gateway):
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="-", default_query={"user": "ana"}, max_retries=0) as client:
        yield client


async def test_a_whole_answer(client, gateway):
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": [{"type": "text", "text": "count "}, {"type": "text", "text": "to 3"}]},
    ]
    answer = await client.chat.completions.create(
        model="double", messages=messages, temperature=0.5, max_completion_tokens=9, stop="x", seed=4
    )
    assert answer.choices[0].message.content == "1 2 3 "
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (3, 4, 7)
    (order,) = gateway.memory.sent
    assert order.temporary
    assert [(message.role, message.text) for message in order.history] == [
        ("system", "Be brief."),
        ("user", "hello"),
        ("assistant", "Hello."),
    ]
    assert (order.text, order.model) == ("count to 3", "double")
    assert (order.sampling.temperature, order.sampling.max_tokens, order.sampling.stop) == (0.5, 9, ["x"])


async def test_a_stream_with_usage(client):
    stream = await client.chat.completions.create(
        model="double", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "1 2 3 "
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].choices, chunks[-1].usage.total_tokens) == ([], 7)
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    plain = await client.chat.completions.create(model="double", messages=HELLO, stream=True)
    assert all(chunk.usage is None for chunk in [chunk async for chunk in plain])


async def test_a_restarted_answer_says_nothing_twice(client):
    stream = await client.chat.completions.create(
        model="double", messages=[{"role": "user", "content": "/restart"}], stream=True
    )
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == "/restart"


async def test_models(client):
    assert [model.id async for model in client.models.list()] == ["double"]
    assert (await client.models.retrieve("double")).id == "double"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("no/such")


async def test_failures_have_their_status_before_the_first_text(client):
    cases = {"unknown_model": 404, "upstream_timeout": 504, "upstream_refused": 502}
    for code, status in cases.items():
        for stream in (False, True):
            with pytest.raises(openai.APIStatusError) as caught:
                await client.chat.completions.create(
                    model="x", messages=[{"role": "user", "content": f"/fail {code}"}], stream=stream
                )
            assert caught.value.status_code == status, (code, stream)
    assert caught.value.body["type"] == "server_error"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["audio"]}, "modalities"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]},
            "messages[0].content",
        ),
        ({"messages": [{"role": "tool", "content": "a", "tool_call_id": "x"}]}, "messages[0]"),
        ({"messages": [{"role": "assistant", "content": "a"}]}, "messages"),
        ({"messages": []}, "messages"),
        ({"temperature": 9}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": ["x"] * 17}, "stop"),
    ],
)
async def test_what_is_not_supported_is_refused_by_name(client, gateway, fields, param):
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(**{"model": "double", "messages": HELLO, **fields})
    assert caught.value.body["param"].startswith(param)
    assert caught.value.body["type"] == "invalid_request_error"
    assert gateway.memory.sent == []


async def test_what_is_too_long_is_refused(run_gateway):
    ana = await (await run_gateway(completion_bytes=100)).client()
    response = await ana.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "a" * 101}]})
    assert (response.status_code, response.json()["error"]["type"]) == (413, "invalid_request_error")


@pytest.mark.parametrize("stream", [True, False])
async def test_hanging_up_stops_the_answer(gateway, stream):
    ana = await gateway.client()
    body = {"messages": [{"role": "user", "content": "/hold"}], "stream": stream}
    calling = asyncio.create_task(ana.post("/v1/chat/completions", json=body))
    async with asyncio.timeout(10):
        while not gateway.memory.tasks:
            await asyncio.sleep(0.01)
        (task,) = gateway.memory.tasks
        calling.cancel()
        await task
    (messages,) = gateway.memory.messages.values()
    assert [message.status for message in messages.values()][-1] == "cancelled"


async def test_the_last_chunk_of_a_stream_is_what_their_readers_look_for(ana):
    body = {"messages": HELLO, "stream": True}
    lines = (await ana.post("/v1/chat/completions", json=body)).text.strip().split("\n\n")
    assert lines[-1] == "data: [DONE]"
    assert json.loads(lines[0].removeprefix("data: "))["object"] == "chat.completion.chunk"


async def test_f17_who_does_not_read_is_cut_and_the_answer_stopped(run_gateway, memory):
    gateway = await run_gateway(write_seconds=0.3)
    body = json.dumps({"messages": [{"role": "user", "content": "/hold"}], "stream": True}).encode()
    head = f"POST /v1/chat/completions?user=ana HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", int(gateway.url.rpartition(":")[2]), limit=1024)
    try:
        writer.write(head.encode() + b"content-type: application/json\r\n\r\n" + body)
        async with asyncio.timeout(20):
            while not memory.tasks:
                await asyncio.sleep(0.01)
            (task,) = memory.tasks
            while not task.done():
                await memory.flood("x" * 300_000)
    finally:
        writer.close()
    (messages,) = memory.messages.values()
    assert [message.status for message in messages.values()][-1] == "cancelled"
