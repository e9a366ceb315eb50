"""What is personal leaves as a placeholder and comes back as it was. Only this process knows what stands for what. Pure."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, cast, get_args

from inference.personal import Kind, found_in
from inference.prompt import Prompt
from shared.contract.objects import PromptCall, PromptMessage

NOTE: Final = (
    "Some values are replaced by placeholders such as [EMAIL_1]. Where you need such a value, write its placeholder exactly as "
    "it is; it will be filled in. Never guess what is behind one."
)

_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_PREFIXES: Final = [kind[:length] for kind in _KINDS for length in range(len(kind) + 1)]
_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(_KINDS)})_\d{{1,6}}\]", re.IGNORECASE)
_BEGINNING = re.compile(rf"\[(?:{'|'.join(_PREFIXES)}|(?:{'|'.join(_KINDS)})_\d{{0,6}})\Z", re.IGNORECASE)


class Vault:
    """The values of one generation and what stands for them: the same prompt gets the same placeholders, round after round."""

    def __init__(self, texts: Iterable[str]) -> None:
        # What looks like one of ours and came from outside must never be filled in.
        self._foreign = {match[0].upper() for text in texts if "[" in text for match in _PLACEHOLDER.finditer(text)}
        self._names: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[Kind, int] = {}

    def __len__(self) -> int:
        return len(self._values)

    def hide(self, text: str) -> str:
        """The text with placeholders."""
        parts: list[str] = []
        place = 0
        for found in found_in(text):
            parts += [text[place : found.start], self._name(found.kind, text[found.start : found.end])]
            place = found.end
        return "".join([*parts, text[place:]]) if parts else text

    def hide_in(self, value: Any) -> Any:
        """The same in every text of a JSON value."""
        match value:
            case str():
                return self.hide(value)
            case list():
                return [self.hide_in(item) for item in cast("list[Any]", value)]
            case dict():
                return {key: self.hide_in(item) for key, item in cast("dict[str, Any]", value).items()}
            case _:
                return value

    def value(self, name: str) -> str:
        """What this placeholder stands for; itself when it is none of ours."""
        return self._values.get(name.upper(), name)

    def fill(self, text: str) -> str:
        """A whole text with its values again."""
        return _PLACEHOLDER.sub(lambda match: self.value(match[0]), text)

    def fill_json(self, text: str) -> str:
        """The same inside the strings of a JSON document."""
        return _PLACEHOLDER.sub(lambda match: json.dumps(self.value(match[0]), ensure_ascii=False)[1:-1], text)

    def _name(self, kind: Kind, value: str) -> str:
        if value not in self._names:
            number = self._counts.get(kind, 0) + 1
            while (name := f"[{kind}_{number}]") in self._foreign:
                number += 1
            self._counts[kind], self._names[value], self._values[name] = number, name, value
        return self._names[value]


def redacted(prompt: Prompt) -> tuple[Prompt, Vault]:
    """The prompt as it may leave, and what it takes to read the answer."""
    vault = Vault(message.text for message in prompt.messages)
    messages = [_redacted(message, vault) for message in prompt.messages]
    if not len(vault):
        return prompt, vault
    if messages[0].role == "system":
        messages[0] = messages[0].model_copy(update={"text": f"{messages[0].text}\n\n{NOTE}"})
    else:
        messages.insert(0, PromptMessage(role="system", text=NOTE))
    return replace(prompt, messages=tuple(messages)), vault


def _redacted(message: PromptMessage, vault: Vault) -> PromptMessage:
    calls = [_call(call, vault) for call in message.tool_calls or []]
    return message.model_copy(update={"text": vault.hide(message.text), "tool_calls": calls or message.tool_calls})


def _call(call: PromptCall, vault: Vault) -> PromptCall:
    return call.model_copy(update={"arguments": vault.hide_in(call.arguments)})


class Restorer:
    """Fills an answer in as it comes, also where a placeholder is cut across its pieces."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be said by now. Only what may be the beginning of a placeholder waits for the next piece."""
        if not self._held and "[" not in text:
            return text
        text, self._held = self._held + text, ""
        last = text.rfind("[")
        if last >= 0 and _BEGINNING.match(text, last):
            text, self._held = text[:last], text[last:]
        return self._vault.fill(text)

    def rest(self) -> str:
        """What waits when nothing more comes."""
        held, self._held = self._held, ""
        return held
