"""Takes out of a prompt what people can't see and models obey: control characters, hidden text, marks of templates (M092)."""

import re
from dataclasses import replace
from typing import Final

from inference.prompt import Prompt
from shared.contract.objects import PromptMessage

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls, without tab, line feed and carriage return
    "\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"  # marks that turn or hide text
    "\U000e0000-\U000e007f]"  # tags: a whole message can be written in them, and nobody sees it
)
_MARK: Final = re.compile(
    r"<\|([\w. -]{1,40})\|>|<(start_of_turn|end_of_turn|start_of_image|unused\d{1,3})>"
    r"|\[(/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS))\]|<<(/?SYS)>>|<[|｜]([\w▁ -]{1,40})[|｜]>"
)
"""Special tokens of ChatML, Llama, Gemma, Mistral, DeepSeek: written by a person or found in a page they would end a message
and begin one of the system's."""


def cleaned(prompt: Prompt) -> Prompt:
    """The prompt with nothing unseen; marks lose their force and stay readable."""
    messages = tuple(map(_cleaned, prompt.messages))
    changed = any(new is not old for new, old in zip(messages, prompt.messages, strict=True))
    return replace(prompt, messages=messages) if changed else prompt


def clean(text: str) -> str:
    """One text likewise."""
    return _MARK.sub(_readable, _UNSEEN.sub("", text))


def _cleaned(message: PromptMessage) -> PromptMessage:
    text = clean(message.text)
    return message if text == message.text else message.model_copy(update={"text": text})


def _readable(match: re.Match[str]) -> str:
    return f"({next(filter(None, match.groups()))})"
