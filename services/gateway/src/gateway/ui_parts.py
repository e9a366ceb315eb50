"""An answer as parts of the AI SDK's UI message stream: of v5 and its approvals of v6, everything of ours in `data-*`."""

from collections.abc import Callable, Iterable
from typing import Any

from gateway.answers import Gap, Piece, Step
from gateway.ui import Known
from gateway.unrolled import Diverged, Unrolled
from shared.contract.events import (
    ActionAsked,
    ActionCreated,
    GenerationQueued,
    GenerationRestarted,
    GenerationStarted,
    ToolApproval,
    ToolFinished,
    ToolStarted,
)
from shared.contract.memory import Accepted
from shared.contract.objects import ChatMessage, FinishReason

Part = dict[str, Any]

_REASONS: dict[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "error": "error",
}
_NOTHING = Known()


class UiParts:
    """Renders one answer, for a client that has `known` of it. It is one step: an attempt that begins anew goes on in it."""

    def __init__(self, accepted: Accepted, known: Known = _NOTHING) -> None:
        self._accepted = accepted
        self._goes_on = known is not _NOTHING
        self._text = Unrolled()
        if known.text:
            self._text.push(known.text)
        self._thought = Unrolled()
        self._open: tuple[str, str] | None = None
        """Kind and id of the part that is being written."""
        self._count = 0
        self._begun = set(known.calls)
        self._finished = set(known.finished)
        self._asked = dict(known.approvals)
        """Calls that leave was asked for, by their approval; `_waiting`: those of this stream."""
        self._waiting: set[str] = set()
        self._actions: dict[str, ActionAsked] = {}
        self.ended = False
        self._by_kind: dict[type[Step], Callable[[Any], list[Part]]] = {
            Piece: self._spoken,
            ToolStarted: lambda step: self._call(step.tool_call_id, step.name, step.arguments),
            ToolFinished: self._came,
            ToolApproval: self._approval,
            ActionAsked: self._action,
            ActionCreated: self._done,
            GenerationQueued: lambda step: [{"type": "data-queue", "data": {"position": step.position}, "transient": True}],
            GenerationStarted: self._anew,
            GenerationRestarted: self._anew,
            Gap: self._missed,
            ChatMessage: self._end,
        }

    @property
    def parked(self) -> bool:
        """Nothing more comes until somebody decides."""
        waiting = self._waiting
        return bool(waiting - self._finished) and not self._begun - self._finished - waiting

    def opened(self) -> list[Part]:
        """The first parts."""
        accepted = self._accepted
        where = {"conversationId": accepted.conversation_id}
        start = {"type": "start", "messageId": accepted.answer_id, "messageMetadata": where}
        named = {**where, "messageId": accepted.answer_id, "generationId": accepted.generation_id}
        parts = [start, {"type": "data-conversation", "data": named, "transient": True}]
        return parts if self._goes_on else [*parts, {"type": "start-step"}]

    def render(self, step: Step) -> list[Part]:
        """The parts that this step is. Raises Diverged."""
        return self._by_kind[type(step)](step)

    def failed(self, message: str) -> list[Part]:
        """The end of what can't be finished here."""
        self.ended = True
        return [*self._close(), {"type": "error", "errorText": message}]

    def park(self) -> list[Part]:
        """The end for now: the client goes on when the user has decided."""
        self.ended = True
        return [*self._close(), {"type": "finish-step"}, {"type": "finish", "finishReason": "tool-calls"}]

    def _anew(self, _: GenerationStarted) -> list[Part]:
        self._text.restart()
        self._thought.restart()
        return []

    def _missed(self, _: Gap) -> list[Part]:
        self._text.gap()
        self._thought.gap()
        return []

    # --- words ---------------------------------------------------------------------------------------------------------

    def _spoken(self, piece: Piece) -> list[Part]:
        if not piece.thought:
            return self._write("text", self._text.push(piece.text))
        try:
            return self._write("reasoning", self._thought.push(piece.text))
        except Diverged:  # Another thought.
            self._thought = Unrolled()
            return self._write("reasoning", self._thought.push(piece.text))

    def _write(self, kind: str, text: str) -> list[Part]:
        if not text:
            return []
        parts: list[Part] = []
        if self._open is None or self._open[0] != kind:
            parts += self._close()
            self._count += 1
            # An answer that goes on in another stream must not reopen a part of the first.
            self._open = kind, f"{'more-' if self._goes_on else ''}{kind}-{self._count}"
            parts.append({"type": f"{kind}-start", "id": self._open[1]})
        return [*parts, {"type": f"{kind}-delta", "id": self._open[1], "delta": text}]

    def _close(self) -> list[Part]:
        if self._open is None:
            return []
        (kind, name), self._open = self._open, None
        return [{"type": f"{kind}-end", "id": name}]

    # --- tools ---------------------------------------------------------------------------------------------------------

    def _call(self, call: str, name: str, arguments: Any) -> list[Part]:
        if call in self._begun:
            return []
        self._begun.add(call)
        made = {"toolCallId": call, "toolName": name, "input": arguments, "dynamic": True, "providerExecuted": True}
        return [*self._close(), {"type": "tool-input-available", **made}]

    def _came(self, finished: ToolFinished) -> list[Part]:
        error = finished.error.message if finished.error else None
        return self._outcome(finished.tool_call_id, finished.status, finished.result, error)

    def _outcome(self, call: str, status: str, result: Any, error: str | None) -> list[Part]:
        if call in self._finished or call not in self._begun:
            return []
        self._finished.add(call)
        if status == "completed":
            return [{"type": "tool-output-available", "toolCallId": call, "output": result, "dynamic": True}]
        if status == "rejected" and call in self._asked.values():
            return [{"type": "tool-output-denied", "toolCallId": call}]
        text = error or f"The call was {status}."
        return [{"type": "tool-output-error", "toolCallId": call, "errorText": text, "dynamic": True}]

    def _approval(self, approval: ToolApproval) -> list[Part]:
        if approval.status != "waiting" or approval.approval_id in self._asked or approval.tool_call_id in self._finished:
            return []
        parts = self._call(approval.tool_call_id, approval.name, approval.arguments)
        self._asked[approval.approval_id] = approval.tool_call_id
        self._waiting.add(approval.tool_call_id)
        asked = {"approvalId": approval.approval_id, "toolCallId": approval.tool_call_id}
        return [*parts, {"type": "tool-approval-request", **asked}]

    # --- ours ----------------------------------------------------------------------------------------------------------

    def _action(self, asked: ActionAsked) -> list[Part]:
        if asked.tool_call_id in self._actions:
            return []
        self._actions[asked.tool_call_id] = asked
        return [_card(asked.tool_call_id, asked.event, asked.payload, "asked")]

    def _done(self, created: ActionCreated) -> list[Part]:
        """The card of the call it was asked for by, where there is one."""
        name = next((name for name, asked in self._actions.items() if asked.event == created.event), None)
        if name is not None:
            del self._actions[name]
        return [_card(name or created.object_id, created.event, created.payload, "done", objectId=created.object_id)]

    def _end(self, answer: ChatMessage) -> list[Part]:
        self.ended = True
        parts = [] if answer.status == "failed" else self._write("text", self._text.end(answer.text))
        for call in answer.tool_calls or []:
            if "status" in call:
                parts += self._call(call["id"], call["name"], call["arguments"])
                error: dict[str, Any] = call.get("error") or {}
                parts += self._outcome(call["id"], call["status"], call.get("result"), error.get("message"))
        return [*parts, *self._close(), *self._last(answer)]

    def _last(self, answer: ChatMessage) -> list[Part]:
        if answer.status == "failed":
            return [{"type": "error", "errorText": answer.error.message if answer.error else "This answer failed."}]
        if answer.status == "cancelled":
            return [{"type": "abort", "reason": "stopped"}]
        metadata: dict[str, Any] = {"conversationId": answer.conversation_id, "model": answer.model}
        if answer.usage is not None:
            metadata["usage"] = answer.usage.wire()
        reason = _REASONS.get(answer.finish_reason or "stop", "other")
        return [{"type": "finish-step"}, {"type": "finish", "finishReason": reason, "messageMetadata": metadata}]


def _card(name: str, event: str, payload: Any, status: str, **more: str) -> Part:
    return {"type": "data-action", "id": name, "data": {"event": event, "payload": payload, "status": status, **more}}


def merged(parts: Iterable[Part]) -> list[Part]:
    """The same with what is written in pieces as one piece each."""
    whole: list[Part] = []
    for part in parts:
        before = whole[-1] if whole else None
        if before and "delta" in part and before["type"] == part["type"] and before["id"] == part["id"]:
            whole[-1] = {**before, "delta": before["delta"] + part["delta"]}
        else:
            whole.append(part)
    return whole
