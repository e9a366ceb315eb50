"""Reasoning and tool calls that a server leaves in the text: `<think>…</think>` and `<tool_call>{…}</tool_call>`, cut anywhere.

Only where a model's entry says so (`tags`): others may write such a word because somebody asked about it.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, cast

from pydantic_core import to_json

from inference.delta import Delta, End, Text, Thought, ToolCall, Working
from inference.tool_calls import CALL_CAP

Tag = Literal["think", "tool_call"]

_LONGEST: Final = len("</tool_call>")


class Tags:
    """The deltas of one answer as they go by."""

    def __init__(self, tags: Iterable[Tag]) -> None:
        self._opening: dict[str, Tag] = {f"<{tag}>": tag for tag in tags}
        self._inside: Tag | None = None
        self._held = ""
        self._call = ""
        self._calls = 0
        self._after_tag = False

    def through(self, deltas: Sequence[Delta]) -> Sequence[Delta]:
        """The same deltas, with text divided into what it is."""
        if not self._opening:
            return deltas
        out: list[Delta] = []
        for delta in deltas:
            match delta:
                case Text(text) if "<" in text or self._held or self._inside or self._after_tag:
                    out += self._read(text)
                case End(reason):
                    out += self._rest()
                    out.append(End("tool_calls" if self._calls and reason == "stop" else reason))
                case _:
                    out.append(delta)
        return out

    def _read(self, text: str) -> Iterator[Delta]:
        text, self._held = self._held + text, ""
        while text:
            tag, place = self._next(text)
            if tag is None:
                keep = _beginning(text, self._awaited())
                yield from self._say(text[: len(text) - keep])
                self._held = text[len(text) - keep :]
                return
            yield from self._say(text[:place])
            text = text[place + len(tag) :]
            if self._inside is None:
                self._inside = self._opening[tag]
            else:
                yield from self._close()
            self._after_tag = self._inside != "tool_call"

    def _awaited(self) -> Sequence[str]:
        return [f"</{self._inside}>"] if self._inside else [*self._opening]

    def _next(self, text: str) -> tuple[str | None, int]:
        found = [(place, tag) for tag in self._awaited() if (place := text.find(tag)) >= 0]
        place, tag = min(found, default=(0, None))
        return tag, place

    def _say(self, text: str) -> Iterator[Delta]:
        if self._after_tag:
            text = text.lstrip("\n")
            self._after_tag = not text
        if not text:
            return
        if self._inside == "tool_call":
            self._call += text
            yield Working()
            if len(self._call) > CALL_CAP:
                yield from self._close(raw=True)
        else:
            yield (Thought if self._inside == "think" else Text)(text)

    def _close(self, *, raw: bool = False) -> Iterator[Delta]:
        inside, self._inside = self._inside, None
        if inside == "tool_call":
            written, self._call = self._call, ""
            call = None if raw else _call_of(written, self._calls)
            self._calls += call is not None
            yield call or Text(f"<tool_call>{written}" + ("" if raw else "</tool_call>"))

    def _rest(self) -> Iterator[Delta]:
        held, self._held = self._held, ""
        yield from self._say(held)
        if self._inside == "tool_call":
            # Some models end with the object and forget the tag.
            call = _call_of(self._call, self._calls)
            self._calls += call is not None
            yield call or Text(f"<tool_call>{self._call}")
        self._inside, self._call = None, ""


def _beginning(text: str, tags: Sequence[str]) -> int:
    """How many characters at the end may be the beginning of one of these."""
    for length in range(min(_LONGEST - 1, len(text)), 0, -1):
        if any(tag.startswith(text[-length:]) for tag in tags):
            return length
    return 0


def _call_of(written: str, number: int) -> ToolCall | None:
    try:
        value: Any = json.loads(written)
        to_json(value)  # What can't be an event is no call: half characters, no bottom.
    except (ValueError, RecursionError):  # PydanticSerializationError is a ValueError
        return None
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    name, arguments = fields.get("name"), fields.get("arguments", fields.get("parameters", {}))
    if not isinstance(name, str) or not name or not isinstance(arguments, dict):
        return None
    return ToolCall(f"call_{number}", name, json.dumps(arguments, ensure_ascii=False))
