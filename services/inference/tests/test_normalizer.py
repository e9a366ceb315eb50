"""Every dialect of the OpenAI protocol that servers were seen to speak, cut anywhere, means the same."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.delta import Delta, End, Spent, Text, Thought, ToolCall, Working
from inference.dialect import Normalizer
from inference.failure import ModelFailed
from inference.sse import CAP
from shared.contract.objects import Usage


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "x", "choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}], **more}


def sse(*events: Any, done: bool = True) -> bytes:
    lines = [b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n" for event in events]
    return b"".join(lines) + (b"data: [DONE]\n\n" if done else b"")


def read(body: bytes, cuts: list[int] | None = None, *, cut: bool = False) -> tuple[list[Delta], ModelFailed | None]:
    normalizer, deltas = Normalizer(), []
    places = sorted({0, len(body), *(place for place in cuts or [] if place < len(body))})
    for start, end in pairwise(places):
        if not normalizer.done and normalizer.failure is None:
            deltas += normalizer.feed(body[start:end])
    deltas += normalizer.close(cut=cut)
    return deltas, normalizer.failure


def text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, Text))


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
SPENT = Spent(Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5))
CALL = {"index": 0, "id": "call_a", "type": "function", "function": {"name": "f", "arguments": ""}}


def piece(arguments: Any, **more: Any) -> dict[str, Any]:
    return chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments}, **more}]})


BODIES: dict[str, tuple[bytes, list[Delta]]] = {
    "OpenAI with usage": (
        sse(chunk({"role": "assistant", "content": ""}), chunk({"content": "Hé"}), chunk({"content": "llo"}), chunk({}, "stop"),
            {"choices": [], "usage": USAGE}),
        [Text("Hé"), Text("llo"), SPENT, End("stop")],
    ),
    "a refusal": (sse(chunk({"refusal": "No."}), chunk({}, "stop")), [Text("No."), End("stop")]),
    "vLLM": (
        sse(chunk({"role": "assistant", "content": None}), chunk({"reasoning": "hm"}), chunk({"content": "a"}),
            chunk({"content": ""}, "length", usage=None)),
        [Thought("hm"), Text("a"), End("length")],
    ),
    "SGLang and DeepSeek": (
        sse(chunk({"reasoning_content": "hm", "content": None}), chunk({"reasoning_content": None, "content": "a"}, "stop")),
        [Thought("hm"), Text("a"), End("stop")],
    ),
    "reasoning under both names": (
        sse(chunk({"reasoning": "hm", "reasoning_content": "hm"}), chunk({}, "stop")), [Thought("hm"), End("stop")]
    ),
    "Ollama with a whole tool call": (
        sse(chunk({"role": "assistant", "content": "", "tool_calls": [
            {"id": "call_9", "index": 0, "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}]}),
            chunk({"role": "assistant", "content": ""}, "tool_calls")),
        [Working(), ToolCall("call_9", "f", '{"x":1}'), End("tool_calls")],
    ),
    "OpenAI with a tool call in pieces": (
        sse(chunk({"tool_calls": [CALL]}), piece('{"x"'), piece(":1}"), chunk({}, "tool_calls")),
        [Working(), Working(), Working(), ToolCall("call_a", "f", '{"x":1}'), End("tool_calls")],
    ),
    "llama-cpp-python repeats id and name": (
        sse(*(chunk({"tool_calls": [{"index": 0, "id": "call_a", "function": {"name": "f", "arguments": part}}]}) for part in
              ("{", "}")), chunk({}, "tool_calls")),
        [Working(), Working(), ToolCall("call_a", "f", "{}"), End("tool_calls")],
    ),
    "a new id at a used index": (
        sse(chunk({"tool_calls": [CALL]}), chunk({"tool_calls": [CALL | {"id": "call_b"}]}), chunk({}, "stop")),
        [Working(), Working(), ToolCall("call_a", "f", "{}"), ToolCall("call_b", "f", "{}"), End("tool_calls")],
    ),
    "tool calls without an index, and arguments that are an object": (
        sse(chunk({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}]}),
            chunk({"tool_calls": [{"id": "b", "function": {"name": "g", "arguments": "{}"}}]}, "tool_calls")),
        [Working(), ToolCall("a", "f", '{"x": 1}'), Working(), ToolCall("b", "g", "{}"), End("tool_calls")],
    ),
    "a call is told when the next one begins": (
        sse(chunk({"tool_calls": [CALL]}), chunk({"tool_calls": [CALL | {"index": 1, "id": "call_b"}]}),
            chunk({"content": "."}), chunk({}, "tool_calls")),
        [Working(), Working(), ToolCall("call_a", "f", "{}"), Text("."), ToolCall("call_b", "f", "{}"), End("tool_calls")],
    ),
    "the old function call": (
        sse(chunk({"function_call": {"name": "f", "arguments": "{"}}), chunk({"function_call": {"arguments": "}"}}),
            chunk({}, "function_call")),
        [Working(), Working(), ToolCall("call_0", "f", "{}"), End("tool_calls")],
    ),
    "Workers AI ends calls with one that is all null": (
        sse(chunk({"tool_calls": [CALL | {"function": {"name": "f", "arguments": "{}"}}]}),
            chunk({"tool_calls": [{"index": 0, "id": None, "function": {"name": None, "arguments": ""}}]}, "tool_calls")),
        [Working(), ToolCall("call_a", "f", "{}"), Working(), End("tool_calls")],
    ),
    "Workers AI in its own words": (
        sse({"response": "a"}, {"response": 1}, {"response": "", "usage": USAGE}), [Text("a"), Text("1"), SPENT, End("stop")]
    ),
    "llama.cpp with usage in the last chunk": (
        sse(chunk({"content": "a"}), chunk({}, "stop", usage=USAGE, timings={"x": 1})), [Text("a"), SPENT, End("stop")]
    ),
    "transformers serve without [DONE]": (
        sse(chunk({"content": "a"}), chunk({}, "stop", usage=USAGE), done=False), [Text("a"), SPENT, End("stop")]
    ),
    "usage on every chunk": (
        sse(chunk({"content": "a"}, usage=USAGE), chunk({}, "stop", usage=USAGE)), [SPENT, Text("a"), SPENT, End("stop")]
    ),
    "comments, CRLF, event names, retry and ids": (
        b": hi\r\n\r\n: OPENROUTER PROCESSING\r\nevent: message\r\nid: 4\r\nretry: 3\r\n"
        + sse(chunk({"content": "a"}), chunk({}, "stop")).replace(b"\n", b"\r\n") + b": bye\r\n",
        [Text("a"), End("stop")],
    ),
    "lines that end with CR": (sse(chunk({"content": "a"}), chunk({}, "stop")).replace(b"\n", b"\r"), [Text("a"), End("stop")]),
    "no space after data, and no empty lines": (
        sse(chunk({"content": "a"}), chunk({}, "stop")).replace(b"data: ", b"data:").replace(b"\n\n", b"\n"),
        [Text("a"), End("stop")],
    ),
    "an event over several data lines": (
        b'data: {"choices": [{"delta":\ndata:  {"content": "a"},\ndata: "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n',
        [Text("a"), End("stop")],
    ),
    "no line feed at the end": (sse(chunk({"content": "a"}), chunk({}, "stop")).rstrip(), [Text("a"), End("stop")]),
    "missing and null choices": (
        sse({}, {"choices": None}, {"choices": []}, {"choices": [None]}, chunk({"content": "a"}), chunk({}, "stop")),
        [Text("a"), End("stop")],
    ),
    "a null delta": (
        sse({"choices": [{"delta": None, "finish_reason": None}]}, chunk({"content": "a"}), chunk({}, "stop")),
        [Text("a"), End("stop")],
    ),
    "several answers": (
        sse({"choices": [{"index": 1, "delta": {"content": "no"}}, {"index": 0, "delta": {"content": "yes"}}]},
            chunk({}, "stop")),
        [Text("yes"), End("stop")],
    ),
    "content in parts": (
        sse(chunk({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}), chunk({}, "stop")),
        [Text("ab"), End("stop")],
    ),
    "a character of two chunks": (
        b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\ndata: {"choices":[{"delta":{"content":"\\ude00!"}}]}\n\n'
        + sse(chunk({}, "stop")),
        [Text("😀!"), End("stop")],
    ),
    "JSON instead of SSE": (
        json.dumps({"choices": [{"message": {"role": "assistant", "content": "Hé"}, "finish_reason": "stop"}], "usage": USAGE},
                   indent=1, ensure_ascii=False).encode(),
        [SPENT, Text("Hé"), End("stop")],
    ),
    "a byte order mark": (b"\xef\xbb\xbf" + sse(chunk({"content": "a"}), chunk({}, "stop")), [Text("a"), End("stop")]),
    "[DONE] without a finish reason": (sse(chunk({"content": "a"})), [Text("a"), End("stop")]),
    "an unknown finish reason": (sse(chunk({"content": "a"}, "eos")), [Text("a"), End("stop")]),
    "what comes after [DONE]": (sse(chunk({"content": "a"}, "stop")) + sse(chunk({"content": "b"})), [Text("a"), End("stop")]),
    "nonsense in usage": (
        sse(chunk({"content": "a"}, "stop", usage={"prompt_tokens": "x", "completion_tokens": -1, "total_tokens": 1e400})),
        [Spent(Usage()), Text("a"), End("stop")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_it_understands(name: str):
    body, deltas = BODIES[name]
    assert read(body) == (deltas, None)


@given(st.sampled_from(sorted(BODIES)), st.lists(st.integers(1, 600)))
def test_the_same_bytes_cut_anywhere_mean_the_same(name: str, cuts: list[int]):
    body, deltas = BODIES[name]
    assert read(body, cuts) == (deltas, None)


@pytest.mark.parametrize("name", BODIES)
def test_the_same_bytes_one_by_one_mean_the_same(name: str):
    body, deltas = BODIES[name]
    assert read(body, list(range(len(body)))) == (deltas, None)


FAILURES: dict[str, tuple[bytes, str, str]] = {
    "no [DONE] and no finish reason": (sse(chunk({"content": "half"}), done=False), "incomplete", "half"),
    "a last line that was cut": (sse(chunk({"content": "half"}), done=False) + b'data: {"choi', "incomplete", "half"),
    "nothing at all": (b"", "incomplete", ""),
    "[DONE] alone": (b"data: [DONE]\n\n", "incomplete", ""),
    "only comments": (b": x\n\n" * 9, "incomplete", ""),
    "an error in mid-stream": (
        sse(chunk({"content": "half"}), {"error": {"message": "sk-secret", "code": 500}}), "upstream_unavailable", "half"
    ),
    "an error as text": (sse({"error": "no"}), "upstream_unavailable", ""),
    "an error event": (b'event: error\ndata: {"message": "no"}\n\n', "upstream_unavailable", ""),
    "an error in a list": (b'[{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]', "upstream_rate_limited", ""),
    "too many requests": (sse({"error": {"type": "rate_limit_error"}}), "upstream_rate_limited", ""),
    "a context that is too long": (sse({"error": {"code": "context_length_exceeded"}}), "upstream_refused", ""),
    "stopped with an error": (sse(chunk({"content": "half"}), chunk({}, "error")), "upstream_unavailable", "half"),
    "bad JSON": (sse(chunk({"content": "half"})) .replace(b"data: [DONE]", b"data: {oops}"), "upstream_malformed", "half"),
    "no JSON": (b"data: hello\n\n", "upstream_malformed", ""),
    "a JSON document that was cut": (b'{"choices": [', "upstream_malformed", ""),
    "deep JSON": (b"data: " + b'{"a":' * 100_000 + b"\n\n", "upstream_malformed", ""),
    "bytes that are not UTF-8": (b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n', "upstream_malformed", ""),
    "a line without end": (b"data: " + b"x" * (CAP + 100), "upstream_malformed", ""),
    "an event without end": (b"data: xxxxxxxxx\n" * (CAP // 8), "upstream_malformed", ""),
    "a document without end": (b"{" + b" " * (CAP + 100), "upstream_malformed", ""),
    "a tool call that is never closed": (sse(chunk({"tool_calls": [CALL]}), piece('{"x'), chunk({}, "tool_calls")),
                                         "upstream_malformed", ""),
    "a tool call with half a character": (
        sse(chunk({"tool_calls": [CALL]}), piece('{"x": "\\ud83d"}'), chunk({}, "tool_calls")), "upstream_malformed", "",
    ),
    "a tool call that is nested too deeply": (
        sse(chunk({"tool_calls": [CALL]}), piece('{"x":' * 900 + "1" + "}" * 900), chunk({}, "tool_calls")),
        "upstream_malformed", "",
    ),
    "a tool call with a name without end": (
        sse(chunk({"tool_calls": [CALL | {"function": {"name": "f" * 300_000}}]}), chunk({}, "tool_calls")),
        "upstream_malformed", "",
    ),
    "arguments without end": (sse(chunk({"tool_calls": [CALL]}), *[piece("x" * 100_000)] * 4), "upstream_malformed", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_f25_what_cannot_be_understood_is_a_typed_failure_and_keeps_what_was_said(name: str):
    body, code, said = FAILURES[name]
    for size in (len(body) or 1, 4096):
        deltas, failure = read(body, list(range(0, len(body), size)))
        assert failure is not None
        assert (failure.code, text(deltas)) == (code, said)
        assert "sk-secret" not in str(failure)


def test_f26_a_connection_that_breaks_off_before_the_end_is_incomplete():
    deltas, failure = read(sse(chunk({"content": "half"}), done=False), cut=True)
    assert failure is not None
    assert (failure.code, text(deltas)) == ("incomplete", "half")


def test_a_connection_that_breaks_off_after_the_end_is_complete():
    assert read(sse(chunk({"content": "a"}, "stop"), done=False), cut=True) == ([Text("a"), End("stop")], None)


@given(st.binary(max_size=400), st.lists(st.integers(1, 400)))
def test_no_bytes_crash_it(body: bytes, cuts: list[int]):
    read(b"data: " + body, cuts)
    read(body, cuts)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(
        ["choices", "delta", "content", "tool_calls", "index", "id", "function", "arguments", "name", "usage", "error", "code",
         "finish_reason", "message", "prompt_tokens", "reasoning"]), inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_no_json_crashes_it(value: Any):
    deltas, _ = read(sse(value, {"choices": [{"delta": value}]}, {"choices": value}, {"usage": value}))
    assert all(delta.text.encode() for delta in deltas if isinstance(delta, Text))
