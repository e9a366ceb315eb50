"""One reading of what OpenAI-compatible servers really send: OpenAI, vLLM, SGLang, Ollama, llama.cpp, Workers AI and others.

Pure: bytes in, deltas out. The same bytes cut anywhere give the same deltas.
"""

from typing import Any, Final, cast

from inference.delta import Delta, End, Spent, Text, Thought, Working
from inference.failure import Incomplete, ModelFailed, UpstreamRateLimited, UpstreamRefused, UpstreamUnavailable
from inference.sse import DONE, Payload, Payloads
from inference.surrogates import Surrogates
from inference.tool_calls import ToolCalls
from shared.contract.objects import FinishReason, Usage

_REASONS: Final[dict[str, FinishReason]] = {
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_MOST_TOKENS: Final = 2**53

_NOT_THE_QUESTION: Final = frozenset({401, 402, 403, 404, 405, 410, 413})
"""Statuses that are about a key, money, a name or a size: another model may well answer. What a server refuses in a question
itself, such as by its policy of content, is not carried to the next one."""


class Normalizer:
    """The answer in one HTTP body. Feed until `done`, then `close`; what went wrong is `failure`, never an exception,
    because what was said before it counts."""

    def __init__(self) -> None:
        self._payloads = Payloads()
        self._text = Surrogates()
        self._thought = Surrogates()
        self._calls = ToolCalls()
        self.reason: FinishReason | None = None
        self.done = False
        self.failure: ModelFailed | None = None
        self._spoken = False

    def feed(self, chunk: bytes) -> list[Delta]:
        """What this piece of the body says."""
        out: list[Delta] = []
        try:
            for payload in self._payloads.feed(chunk):
                self._read(payload, out)
                if self.done:
                    break
        except ModelFailed as failure:
            self.failure = failure
        return out

    def close(self, *, cut: bool = False) -> list[Delta]:
        """What the end of the body says; `cut`: the connection broke. Nothing after a failure."""
        out: list[Delta] = []
        if self.failure is not None:
            return out
        try:
            if not (self.done or cut):
                for payload in self._payloads.close():
                    self._read(payload, out)
            self._end(out)
        except ModelFailed as failure:
            self.failure = failure
        return out

    def _end(self, out: list[Delta]) -> None:
        _say(Text, self._text.rest(), out)
        _say(Thought, self._thought.rest(), out)
        if self.reason is None and not (self.done and self._spoken):
            raise Incomplete
        called = bool(self._calls)
        out += self._calls.complete()
        out.append(End("tool_calls" if called and self.reason in (None, "stop") else self.reason or "stop"))

    def _read(self, payload: Payload, out: list[Delta]) -> None:
        if payload == DONE:
            self.done = True
            return
        if error := payload.get("error"):
            raise failure_of(error)
        usage = payload.get("usage")
        if isinstance(usage, dict):
            out.append(Spent(_usage(cast("dict[str, Any]", usage))))
        choice = _choice(payload)
        if choice is not None:
            self._spoken = True
            self._choose(choice, out)

    def _choose(self, choice: dict[str, Any], out: list[Delta]) -> None:
        said = choice.get("delta") or choice.get("message") or choice
        if isinstance(said, dict):
            self._say(cast("dict[str, Any]", said), out)
        reason = choice.get("finish_reason")
        if reason == "error":
            raise UpstreamUnavailable("it stopped with an error")
        if isinstance(reason, str) and reason:
            self.reason = _REASONS.get(reason, "stop")
            if self._calls:
                out += self._calls.complete()

    def _say(self, said: dict[str, Any], out: list[Delta]) -> None:
        content = said.get("content")
        if content is None:
            content = said.get("refusal") or said.get("text") or said.get("response")
        # vLLM and Ollama say `reasoning`, the others `reasoning_content`; some say both with the same text.
        _say(Thought, self._thought.join(_text(said.get("reasoning_content") or said.get("reasoning"))), out)
        _say(Text, self._text.join(_text(content)), out)
        if calls := said.get("tool_calls"):
            self._calls.add(calls)
            out.append(Working())
            out += self._calls.whole()
        elif function := said.get("function_call"):
            self._calls.add([{"index": 0, "function": function}])
            out.append(Working())


def failure_of(error: object, status: int | None = None) -> ModelFailed:
    """The failure that an error object stands for, mid-stream or as the body of a response with this status."""
    fields = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
    code, kind = fields.get("code"), str(fields.get("type"))
    number = status or _status(fields.get("status")) or _status(code)
    name = code if isinstance(code, str) and code.isidentifier() and len(code) <= 64 else ""
    detail = " ".join(str(part) for part in (number, name) if part)
    if number in (408, 409, 425):
        return UpstreamUnavailable(detail)
    if number == 429 or "rate_limit" in f"{code} {kind}":
        return UpstreamRateLimited(detail)
    overflow = name.startswith(("context_length", "exceed_context")) or "exceed_context" in kind
    if overflow or (number and 300 <= number < 500) or "invalid_request" in kind:
        refused = UpstreamRefused(detail)
        refused.elsewhere = overflow or number in _NOT_THE_QUESTION
        return refused
    return UpstreamUnavailable(detail)


def _status(value: object) -> int | None:
    return value if isinstance(value, int) and 100 <= value < 600 else None


def _choice(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The first of the answers. Workers AI's own form has no `choices`, its text is beside."""
    choices = payload.get("choices")
    if not isinstance(choices, list):
        return payload if "response" in payload else None
    for choice in cast("list[Any]", choices):
        if isinstance(choice, dict) and not cast("dict[str, Any]", choice).get("index"):
            return cast("dict[str, Any]", choice)
    return None


def _say(kind: type[Text] | type[Thought], text: str, out: list[Delta]) -> None:
    if text:
        out.append(kind(text))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_text(part) for part in cast("list[Any]", value))
    if isinstance(value, dict):
        return _text(cast("dict[str, Any]", value).get("text"))
    # Workers AI sends a token that is a number as a number.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _usage(fields: dict[str, Any]) -> Usage:
    prompt, completion = _count(fields.get("prompt_tokens")), _count(fields.get("completion_tokens"))
    total = _count(fields.get("total_tokens")) or prompt + completion
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=total)


def _count(value: object) -> int:
    return min(int(value), _MOST_TOKENS) if isinstance(value, int | float) and 0 < value < float("inf") else 0
