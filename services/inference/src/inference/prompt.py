"""What a model is given."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from shared.contract.memory import Claim
from shared.contract.objects import PromptMessage, Sampling


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages in their order, and how to sample."""

    messages: tuple[PromptMessage, ...]
    sampling: Sampling

    @property
    def question(self) -> str:
        """The newest thing a user said."""
        return next((message.text for message in reversed(self.messages) if message.role == "user"), "")

    def chat(self) -> list[dict[str, str]]:
        """The messages as every OpenAI-compatible server takes them."""
        # A tool's result without the id of its call is refused by most servers; as a user's words it is understood.
        return [{"role": "user" if m.role == "tool" else m.role, "content": m.text} for m in self.messages]


def prompt_of(claim: Claim, system_prompt: str) -> Prompt:
    """The prompt of a claimed generation; `system_prompt` goes first when the conversation brings none."""
    messages: Sequence[PromptMessage] = claim.messages
    if system_prompt and not any(message.role == "system" for message in messages):
        messages = [PromptMessage(role="system", text=system_prompt), *messages]
    return Prompt(tuple(messages), claim.sampling)


def hash_of_prompt(prompt: Prompt) -> str:
    """What identifies a prompt in the audit: sha256 in hex over messages and sampling."""
    material = [prompt.chat(), prompt.sampling.wire()]
    return sha256(json.dumps(material, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def hash_of_text(text: str) -> str:
    """What identifies an answer in the audit: sha256 in hex over its UTF-8."""
    return sha256(text.encode()).hexdigest()
