"""What a model is given."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from inference.tools.telling import RULE
from shared.contract.memory import Claim
from shared.contract.objects import PromptMessage, Sampling
from shared.contract.tools import ToolSpec


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages in their order, how to sample, which tools there are, and what form the answer shall have."""

    messages: tuple[PromptMessage, ...]
    sampling: Sampling
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str | dict[str, Any] | None = None
    """As every OpenAI-compatible server takes it; None: the model's default."""
    now: datetime | None = None
    """When it was asked, in UTC; `timezone` is the person's, a name of the IANA list."""
    timezone: str = "UTC"
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    ours: bool = False
    """The tools are ours: a server that knows none may answer without."""

    @property
    def question(self) -> str:
        """The newest thing a user said."""
        return next((message.text for message in reversed(self.messages) if message.role == "user"), "")

    @property
    def insists(self) -> bool:
        """Whether not every model can answer it: an answer in words would be wrong."""
        free = self.response_format is None or self.response_format.get("type") == "text"
        return not free or (bool(self.tools) and self.tool_choice not in (None, "auto", "none"))

    def chat(self) -> list[dict[str, Any]]:
        """The messages as every OpenAI-compatible server takes them."""
        return [_chat(message) for message in self.messages]

    def demands(self) -> dict[str, Any]:
        """What goes beside the messages, likewise."""
        fields: dict[str, Any] = {}
        if self.tools:
            fields["tools"] = [{"type": "function", "function": _function(tool)} for tool in self.tools]
            fields |= _given(tool_choice=self.tool_choice, parallel_tool_calls=self.parallel_tool_calls)
        return fields | _given(response_format=self.response_format)


def _chat(message: PromptMessage) -> dict[str, Any]:
    if message.tool_calls:
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _written(call.arguments)}}
            for call in message.tool_calls
        ]
        return {"role": message.role, "content": message.text or None, "tool_calls": calls}
    if message.role == "tool" and message.tool_call_id is None:
        # A tool's result without the id of its call is refused by most servers; as a user's words it is understood.
        return {"role": "user", "content": message.text}
    return {"role": message.role, "content": message.text} | _given(tool_call_id=message.tool_call_id, name=message.name)


def _written(arguments: dict[str, Any] | str) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _function(tool: ToolSpec) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **described} | _given(parameters=tool.parameters or None, strict=tool.strict)


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def prompt_of(claim: Claim, system_prompt: str, now: datetime | None = None, tools: Sequence[ToolSpec] = ()) -> Prompt:
    """The prompt of a claimed generation. All that goes before the conversation is one message: many chat templates take no
    more, and none later.
    """
    lead, rest = _lead(claim.messages)
    acting = RULE if tools else claim.acting if claim.client_tools is None else None
    parts = [_instructions(claim, system_prompt), lead, acting, claim.context]
    told = "\n\n".join(part for part in parts if part)
    first = [PromptMessage(role="system", text=told)] if told else []
    timezone = claim.preferences.get("timezone")
    return Prompt(
        (*first, *rest),
        claim.sampling,
        tuple(tools if claim.client_tools is None else claim.client_tools),
        claim.tool_choice,
        now,
        timezone if isinstance(timezone, str) else "UTC",
        claim.parallel_tool_calls,
        claim.response_format,
        claim.client_tools is None,
    )


def _lead(messages: Sequence[PromptMessage]) -> tuple[str | None, Sequence[PromptMessage]]:
    if messages and messages[0].role == "system":
        return messages[0].text, messages[1:]
    return None, messages


def _instructions(claim: Claim, system_prompt: str) -> str | None:
    """A persona that was named says who answers; else what the conversation brings, the operator's, the default persona's."""
    if claim.persona is not None:
        return claim.instructions or system_prompt
    if any(message.role == "system" for message in claim.messages):
        return None
    return system_prompt or claim.instructions


def hash_of_prompt(prompt: Prompt) -> str:
    """What identifies a prompt in the audit: sha256 in hex over messages and sampling."""
    demands = prompt.demands()
    material = [prompt.chat(), prompt.sampling.wire(), *([demands] if demands else [])]
    return sha256(json.dumps(material, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def hash_of_text(text: str) -> str:
    """What identifies an answer in the audit: sha256 in hex over its UTF-8."""
    return sha256(text.encode()).hexdigest()
