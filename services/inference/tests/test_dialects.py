"""The shapes that real servers were recorded to send: text, reasoning, tool calls, usage, errors, and what they leave out.

llama-server, llama-cpp-python and transformers serve were recorded with tiny models of our own; vLLM, Ollama and Workers AI are
written down from their sources and documentation.
"""

import json
from typing import Any

import pytest
from test_normalizer import read

from inference.delta import Delta, End, Spent, Text, Thought, ToolCall, Working
from inference.dialect import failure_of
from inference.tags import Tags
from shared.contract.objects import Usage

LLAMA = '{{"choices":[{{"finish_reason":{},"index":0,"delta":{}}}],"created":1,"id":"c","model":"m"}}'
FIRST = LLAMA.format("null", '{"role":"assistant","content":null}')
LLAMA_USAGE = (
    '{"choices":[],"created":1,"id":"c","model":"m","object":"chat.completion.chunk","usage":{"completion_tokens":6,'
    '"prompt_tokens":19,"total_tokens":25,"prompt_tokens_details":{"cached_tokens":0}},"timings":{"cache_n":0,"prompt_n":19,'
    '"prompt_ms":1.059,"predicted_n":6,"predicted_ms":1.502,"predicted_per_second":3328.89}}'
)
SPENT = Spent(Usage(prompt_tokens=19, completion_tokens=6, total_tokens=25))
SMALL = {"prompt_tokens": 19, "completion_tokens": 6, "total_tokens": 25}


def llama(delta: Any, finish: str = "null") -> str:
    return LLAMA.format(finish, json.dumps(delta))


def tool(**fields: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0} | fields]}


def chunk(delta: Any, finish: Any = None, **more: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})


CALL = ToolCall("abc123456", "create_task", '{"title":"x"}')
HALF = {"name": "create_task", "arguments": '{"title":'}
WHOLE = {"name": "create_task", "arguments": '{"title":"x"}'}

SHAPES: dict[str, tuple[list[str], list[Delta]]] = {
    "llama-server: text": (
        [FIRST, llama({"content": "nd"}), llama({"content": " needs"}), llama({}, '"length"'), LLAMA_USAGE, "[DONE]"],
        [Text("nd"), Text(" needs"), SPENT, End("length")],
    ),
    "llama-server: reasoning, and half characters as it writes them": (
        [FIRST, llama({"reasoning_content": "hm"}), llama({"content": "�endar"}), llama({}, '"stop"'), "[DONE]"],
        [Thought("hm"), Text("�endar"), End("stop")],
    ),
    "llama-server: a call by pieces": (
        [FIRST, llama(tool(id="abc123456", type="function", function={"name": "create_task", "arguments": "{"})),
         llama(tool(function={"arguments": '"title":'})), llama(tool(function={"arguments": '"x"}'})),
         llama({}, '"tool_calls"'), LLAMA_USAGE, "[DONE]"],
        [Working(), Working(), Working(), SPENT, CALL, End("tool_calls")],
    ),
    "llama-cpp-python: text, without usage": (
        [chunk({"role": "assistant"}), chunk({"content": "a"}), chunk({}, "stop"), "[DONE]"], [Text("a"), End("stop")]
    ),
    "llama-cpp-python: a forced call, told twice, with nulls": (
        [chunk({"role": "assistant", "content": None, "function_call": None, "tool_calls": None}),
         chunk(tool(id="abc123456", type="function", function=HALF) | {"function_call": HALF, "content": None}),
         chunk(tool(id="abc123456", type="function", function={"name": "create_task", "arguments": '"x"}'})
               | {"function_call": {"name": "create_task", "arguments": '"x"}'}}),
         chunk({"content": None, "function_call": None, "tool_calls": None}, "tool_calls"), "[DONE]"],
        [Working(), Working(), CALL, End("tool_calls")],
    ),
    "transformers serve: usage in the last chunk, no [DONE]": (
        ['{"choices":[{"index":0,"delta":{"role":"assistant"}}]}', '{"choices":[{"index":0,"delta":{"content":"a"}}]}',
         chunk({}, "stop", usage=SMALL)],
        [Text("a"), SPENT, End("stop")],
    ),
    "transformers serve: a whole call in one": (
        ['{"choices":[{"index":0,"delta":{"role":"assistant"}}]}', chunk(tool(id="abc123456", type="function", function=WHOLE)),
         chunk({}, "tool_calls", usage=SMALL)],
        [Working(), SPENT, CALL, End("tool_calls")],
    ),
    "vLLM: reasoning by its new name, usage on every chunk": (
        [chunk({"role": "assistant", "content": ""}), chunk({"reasoning": "hm"}, usage=SMALL),
         chunk({"content": "a"}, usage=SMALL), chunk({"content": ""}, "stop", usage=SMALL, stop_reason=None),
         json.dumps({"choices": [], "usage": SMALL}), "[DONE]"],
        [SPENT, Thought("hm"), SPENT, Text("a"), SPENT, SPENT, End("stop")],
    ),
    "vLLM: empty pieces before a call": (
        [chunk({"role": "assistant", "content": None}), chunk({"content": None}),
         chunk(tool(id="abc123456", type="function", function={"name": "create_task"})),
         chunk(tool(function={"arguments": ""})), chunk(tool(function={"arguments": '{"title":"x"}'})),
         chunk({"content": ""}, "tool_calls"), "[DONE]"],
        [Working(), Working(), Working(), CALL, End("tool_calls")],
    ),
    "Ollama: the role every time, a whole call, usage when asked": (
        [chunk({"role": "assistant", "content": "", "reasoning": "hm"}), chunk({"role": "assistant", "content": "a"}),
         chunk({"role": "assistant", "content": ""} | tool(id="abc123456", type="function", function=WHOLE)),
         chunk({"role": "assistant", "content": ""}, "tool_calls"), json.dumps({"choices": [], "usage": SMALL}), "[DONE]"],
        [Thought("hm"), Text("a"), Working(), SPENT, CALL, End("tool_calls")],
    ),
    "Workers AI: a sentinel of nulls after the calls": (
        [chunk(tool(id="abc123456", type="function", function=WHOLE)),
         chunk(tool(id=None, type="function", function={"name": None, "arguments": ""})),
         chunk({}, "tool_calls", usage=SMALL), "[DONE]"],
        [Working(), Working(), SPENT, CALL, End("tool_calls")],
    ),
    "Workers AI: its own form": (
        ['{"response":"Te"}', '{"response":"n"}', json.dumps({"response": "", "usage": SMALL}), "[DONE]"],
        [Text("Te"), Text("n"), SPENT, End("stop")],
    ),
}  # fmt: skip


def body(lines: list[str]) -> bytes:
    return b"".join(b"data: " + line.encode() + b"\n\n" for line in lines)


def meaning(deltas: list[Delta]) -> tuple[list[Delta], list[Delta]]:
    """What is said, and what is said about it: when a call counts as whole is the normalizer's own affair."""
    about = [delta for delta in deltas if isinstance(delta, Spent)]
    return [delta for delta in deltas if not isinstance(delta, Spent | Working)], about


@pytest.mark.parametrize("name", SHAPES)
def test_what_it_sends_is_understood(name: str):
    lines, deltas = SHAPES[name]
    for cuts in ([], list(range(0, len(body(lines)), 7))):
        said, failure = read(body(lines), cuts)
        assert (meaning(said), failure) == (meaning(deltas), None)


@pytest.mark.parametrize("name", [name for name in SHAPES if "transformers" not in name])
def test_f25_without_its_end_it_is_incomplete(name: str):
    lines, _ = SHAPES[name]
    shorter = [
        line for line in lines[:-1] if '"finish_reason": null' in line or '"finish_reason":null' in line or '"response"' in line
    ]
    _, failure = read(body(shorter))
    assert failure is not None
    assert failure.code == "incomplete"


@pytest.mark.parametrize(
    ("status", "answer", "code", "elsewhere"),
    [
        (400, {"code": 400, "message": "…", "type": "exceed_context_size_error", "n_prompt_tokens": 3018, "n_ctx": 2048},
         "upstream_refused", True),
        (400, {"message": "…", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"},
         "upstream_refused", True),
        (401, {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}, "upstream_refused", True),
        (404, {"message": "model not found", "type": "api_error", "param": None, "code": None}, "upstream_refused", True),
        (400, {"message": "…", "code": "content_filter"}, "upstream_refused", False),
        (422, None, "upstream_refused", False),
        (500, {"code": 500, "message": "parse error", "type": "server_error"}, "upstream_unavailable", True),
        (503, {"code": 503, "message": "Loading model", "type": "unavailable_error"}, "upstream_unavailable", True),
        (429, "Capacity temporarily exceeded", "upstream_rate_limited", True),
    ],
)  # fmt: skip
def test_f24_errors_in_every_shape(status: int, answer: Any, code: str, elsewhere: bool):
    failure = failure_of(answer, status)
    assert (failure.code, failure.elsewhere) == (code, elsewhere)


def test_llama_cpp_python_leaves_calls_in_the_text_and_its_tags_are_read_where_configured():
    told = '<tool_call>\n{"name": "create_task", "arguments": {"title": "x"}}\n</tool_call>'
    lines = [chunk({"role": "assistant"}), *(chunk({"content": part}) for part in (told[:9], told[9:40], told[40:])),
             chunk({}, "stop"), "[DONE]"]  # fmt: skip
    deltas, _ = read(body(lines))
    tags = Tags(["tool_call"])
    found = [delta for delta in tags.through(deltas) if not isinstance(delta, Working)]
    assert found == [ToolCall("call_0", "create_task", '{"title": "x"}'), End("tool_calls")]
