"""Answers as OpenAI's libraries read them: whole ones and chunks. No input or output here."""

from collections.abc import Sequence
from typing import Any

from shared.contract.objects import ChatMessage, FinishReason, PromptCall, Usage

DONE = b"data: [DONE]\n\n"
_REASONS: dict[FinishReason, str] = {"length": "length", "content_filter": "content_filter"}


def usage_of(usage: Usage | None) -> dict[str, int]:
    """The usage object; zeros when the model didn't count."""
    usage = usage or Usage()
    total = usage.total_tokens or usage.prompt_tokens + usage.completion_tokens
    return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens, "total_tokens": total}


def finish_reason(reason: FinishReason | None, calls: Sequence[PromptCall]) -> str:
    """Their word for why an answer ended. Calls of tools of ours are none that a client has to carry out."""
    return "tool_calls" if calls else _REASONS.get(reason or "stop", "stop")


def completion(
    answer: ChatMessage, calls: Sequence[PromptCall], completion_id: str, created: int, model: str
) -> dict[str, Any]:
    """The whole answer of a call that doesn't stream."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
    if calls:
        message |= {"content": answer.text or None, "tool_calls": [_call(call) for call in calls]}
    reason = finish_reason(answer.finish_reason, calls)
    return {
        "id": completion_id,
        "object": "chat.completion",
        "created": created,
        "model": answer.model or model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": usage_of(answer.usage),
    }


def _call(call: PromptCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


class Chunks:
    """Renders the chunks of one stream."""

    def __init__(self, completion_id: str, created: int, model: str, *, include_usage: bool) -> None:
        self._head = {"id": completion_id, "object": "chat.completion.chunk", "created": created}
        self.model = model
        self._include_usage = include_usage

    def delta(self, finish: str | None = None, **delta: Any) -> dict[str, Any]:
        """A chunk with a piece of the answer."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._chunk([choice], {"usage": None} if self._include_usage else {})

    def call(self, place: int, call: PromptCall) -> dict[str, Any]:
        """A chunk with a whole call."""
        return self.delta(tool_calls=[{"index": place, **_call(call)}])

    def end(self, answer: ChatMessage, calls: Sequence[PromptCall]) -> list[dict[str, Any]]:
        """The last chunks."""
        chunks = [self.delta(finish_reason(answer.finish_reason, calls))]
        if self._include_usage:
            chunks.append(self._chunk([], {"usage": usage_of(answer.usage)}))
        return chunks

    def _chunk(self, choices: list[Any], more: dict[str, Any]) -> dict[str, Any]:
        return {**self._head, "model": self.model, "choices": choices, **more}
