"""Stored messages as the AI SDK has them."""

from typing import Any

from shared.contract.base import Message
from shared.contract.objects import ChatMessage


class UiHistory(Message):
    """What was said in a chat, oldest first."""

    id: str
    messages: list[dict[str, Any]]


def ui_message(message: ChatMessage) -> dict[str, Any]:
    """A stored message as a UI message."""
    parts: list[dict[str, Any]] = [_tool(call) for call in message.tool_calls or []]
    if message.text:
        parts.append({"type": "text", "text": message.text, "state": "done"})
    role = message.role if message.role in ("user", "assistant", "system") else "assistant"
    metadata: dict[str, Any] = {"conversationId": message.conversation_id, "status": message.status}
    if message.model is not None:
        metadata["model"] = message.model
    return {"id": message.id, "role": role, "metadata": metadata, "parts": parts}


def _tool(call: dict[str, Any]) -> dict[str, Any]:
    part = {"type": "dynamic-tool", "toolCallId": call["id"], "toolName": call["name"], "input": call["arguments"]}
    match call.get("status"):
        case None:
            return {**part, "state": "input-available"}
        case "completed":
            return {**part, "state": "output-available", "output": call.get("result")}
        case status:
            error: dict[str, Any] = call.get("error") or {}
            return {**part, "state": "output-error", "errorText": error.get("message", f"The call was {status}.")}
