"""N14: the official OpenAI library works unchanged; what isn't supported is said in its own shape."""

import asyncio
import json

import openai
import pytest
from openai import AsyncOpenAI

IMAGE = {"type": "image_url", "image_url": {"url": "http://x"}}
HELLO = [{"role": "user", "content": "count to 3"}]
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}, "strict": True}}


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
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]}, "tools"),
        ({"tools": [WEATHER] * 129}, "tools"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "other"}}}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": "perhaps"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"response_format": {"type": "grammar"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["audio"]}, "modalities"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]},
            "messages[0].content",
        ),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "tool", "content": "a", "tool_call_id": "a\x00"}]}, "messages.0.tool_call_id"),
        ({"messages": [{"role": "function", "name": "f", "content": "a"}]}, "messages[0]"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "type": "custom"}]}, HELLO[0]]},
            "messages[0].tool_calls",
        ),
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


def asked(command="/call"):
    return [{"role": "user", "content": command + ' weather {"city": "Rome"}'}]


async def test_calls_of_the_clients_tools_come_as_chunks_and_end_the_answer(client, gateway):
    stream = await client.chat.completions.create(
        model="double",
        messages=asked(),
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        parallel_tool_calls=True,
        stream=True,
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Let me see."
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert [(call.index, call.id, call.type, call.function.name) for call in calls] == [
        (0, "call_0", "function", "weather"),
        (1, "call_1", "function", "weather"),
    ]
    assert {json.loads(call.function.arguments)["city"] for call in calls} == {"Rome"}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    (order,) = gateway.memory.sent
    assert [tool.wire() for tool in order.client_tools] == [
        {"name": "weather", "description": "", "parameters": {"type": "object"}, "strict": True}
    ]
    assert order.tool_choice == {"type": "function", "function": {"name": "weather"}}
    assert order.parallel_tool_calls is True


async def test_calls_in_a_whole_answer(client):
    answer = await client.chat.completions.create(model="double", messages=asked(), tools=[WEATHER])
    (choice,) = answer.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "Let me see.")
    assert [call.id for call in choice.message.tool_calls] == ["call_0", "call_1"]
    assert json.loads(choice.message.tool_calls[0].function.arguments) == {"city": "Rome"}


@pytest.mark.parametrize("stream", [True, False])
async def test_calls_of_our_own_tools_are_not_shown_to_a_client_that_brought_none(client, stream):
    answer = await client.chat.completions.create(model="double", messages=asked(), stream=stream)
    if stream:
        chunks = [chunk async for chunk in answer]
        assert not any(chunk.choices[0].delta.tool_calls for chunk in chunks)
        assert chunks[-1].choices[0].finish_reason == "stop"
    else:
        assert (answer.choices[0].finish_reason, answer.choices[0].message.tool_calls) == ("stop", None)


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_begins_anew_after_its_calls_calls_nothing_twice(client, stream):
    answer = await client.chat.completions.create(model="double", messages=asked("/call-again"), tools=[WEATHER], stream=stream)
    if stream:
        deltas = [chunk.choices[0].delta async for chunk in answer]
        assert "".join(delta.content or "" for delta in deltas) == "Let me see."
        assert [call.id for delta in deltas for call in delta.tool_calls or []] == ["call_0", "call_1"]
    else:
        assert [call.id for call in answer.choices[0].message.tool_calls] == ["call_0", "call_1"]


async def test_results_of_tools_are_the_next_message(client, gateway):
    call = {"id": "call_0", "type": "function", "function": {"name": "weather", "arguments": '{"city":  "Rome"}'}}
    messages = [
        {"role": "user", "content": "weather?", "name": "ana"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_0", "content": [{"type": "text", "text": "sunny"}]},
    ]
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    answer = await client.chat.completions.create(model="double", messages=messages, tools=[WEATHER], response_format=schema)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("sunny", "stop")
    (order,) = gateway.memory.sent
    assert (order.role, order.text, order.tool_call_id) == ("tool", "sunny", "call_0")
    assert order.history[0].name == "ana"
    assert order.history[1].tool_calls[0].arguments == '{"city":  "Rome"}'
    assert order.response_format == schema


async def test_a_conversation_that_is_named_gets_the_next_message_and_nothing_twice(client, gateway):
    ana = await gateway.client("ana")
    conversation = (await ana.post("/api/v1/conversations", json={"title": "t"})).json()["id"]
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "before"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
        *HELLO,
    ]
    named = {"extra_body": {"metadata": {"conversation_id": conversation, "other": "x"}}}
    answer = await client.chat.completions.create(model="double", messages=messages, **named)
    assert answer.choices[0].message.content == "1 2 3 "
    (order,) = gateway.memory.sent
    assert (order.conversation_id, order.temporary, order.text) == (conversation, False, "count to 3")
    assert [(message.role, message.text) for message in order.history] == [("tool", "sunny")]
    assert order.instructions == "Be brief."
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="-", default_query={"user": "bob"}, max_retries=0) as bob:
        for wrong in (conversation, "c_none", "../x", 5):
            with pytest.raises(openai.NotFoundError) as caught:
                await bob.chat.completions.create(
                    model="double", messages=HELLO, extra_body={"metadata": {"conversation_id": wrong}}
                )
            assert caught.value.body["code"] == "unknown_conversation"


async def test_hanging_up_does_not_stop_what_is_stored(gateway):
    ana = await gateway.client()
    conversation = (await ana.post("/api/v1/conversations", json={})).json()["id"]
    body = {"messages": [{"role": "user", "content": "/trickle 40"}], "metadata": {"conversation_id": conversation}}
    calling = asyncio.create_task(ana.post("/v1/chat/completions", json=body))
    async with asyncio.timeout(30):
        while not gateway.memory.tasks:
            await asyncio.sleep(0.01)
        (task,) = gateway.memory.tasks
        calling.cancel()
        await task
    assert [message.status for message in gateway.memory.messages[conversation].values()][-1] == "completed"


async def test_a_request_under_a_key_is_answered_once(client, gateway):
    key = {"extra_headers": {"Idempotency-Key": "k1"}}
    answers = [await client.chat.completions.create(model="double", messages=HELLO, **key) for _ in range(2)]
    assert {answer.choices[0].message.content for answer in answers} == {"1 2 3 "}
    assert len(gateway.memory.sent) == 1


async def test_a_model_that_can_not_answer_in_that_form_says_so(client):
    for code, status in {"not_supported": 400, "upstream_refused": 400}.items():
        for stream in (False, True):
            with pytest.raises(openai.APIStatusError) as caught:
                await client.chat.completions.create(
                    model="double",
                    messages=[{"role": "user", "content": f"/fail {code}"}],
                    response_format={"type": "json_object"},
                    stream=stream,
                )
            assert (caught.value.status_code, caught.value.body["type"]) == (status, "invalid_request_error")


async def read(stream, said):
    async for chunk in stream:
        said.append(chunk.choices[0].delta.content or "")


async def test_a_failure_after_the_first_text_is_an_error_in_the_stream(client):
    stream = await client.chat.completions.create(
        model="double", messages=[{"role": "user", "content": "/half upstream_malformed"}], stream=True
    )
    said = []
    with pytest.raises(openai.APIError) as caught:
        await read(stream, said)
    assert "".join(said) == "half"
    assert caught.value.body["code"] == "answer_failed"


async def test_tools_count_as_length(run_gateway):
    ana = await (await run_gateway(completion_bytes=1_000)).client()
    long = {"type": "function", "function": {"name": "f", "description": "a" * 1_000}}
    response = await ana.post("/v1/chat/completions", json={"messages": HELLO, "tools": [long]})
    assert (response.status_code, response.json()["error"]["type"]) == (413, "invalid_request_error")
