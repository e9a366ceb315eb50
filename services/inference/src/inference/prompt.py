"""What a model is given."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from shared.contract.memory import Claim
from shared.contract.objects import PromptMessage, Sampling
from shared.contract.tools import ToolSpec


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages in their order, how to sample, and which tools there are."""

    messages: tuple[PromptMessage, ...]
    sampling: Sampling
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str | dict[str, Any] | None = None
    """As every OpenAI-compatible server takes it; None: the model's default."""
    now: datetime | None = None
    """When it was asked, in UTC; `timezone` is the person's, a name of the IANA list."""
    timezone: str = "UTC"

    @property
    def question(self) -> str:
        """The newest thing a user said."""
        return next((message.text for message in reversed(self.messages) if message.role == "user"), "")

    def chat(self) -> list[dict[str, str]]:
        """The messages as every OpenAI-compatible server takes them."""
        # A tool's result without the id of its call is refused by most servers; as a user's words it is understood.
        return [{"role": "user" if m.role == "tool" else m.role, "content": m.text} for m in self.messages]


def prompt_of(claim: Claim, system_prompt: str, now: datetime | None = None, tools: Sequence[ToolSpec] = ()) -> Prompt:
    """The prompt of a claimed generation. All that goes before the conversation is one message: many chat templates take no
    more, and none later.
    """
    lead, rest = _lead(claim.messages)
    parts = [_instructions(claim, system_prompt), lead, claim.context]
    told = "\n\n".join(part for part in parts if part)
    first = [PromptMessage(role="system", text=told)] if told else []
    timezone = claim.preferences.get("timezone")
    return Prompt(
        (*first, *rest), claim.sampling, tuple(tools), now=now, timezone=timezone if isinstance(timezone, str) else "UTC"
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
    material = [prompt.chat(), prompt.sampling.wire()]
    return sha256(json.dumps(material, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def hash_of_text(text: str) -> str:
    """What identifies an answer in the audit: sha256 in hex over its UTF-8."""
    return sha256(text.encode()).hexdigest()
