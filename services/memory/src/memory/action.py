"""What a final output asks to be done, read from its text: strict JSON, tolerant of what stands around it."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from pydantic import ValidationError
from pydantic_core import from_json

from shared.contract.base import Message
from shared.contract.person import Action, ActionName
from shared.contract.state import Change, CompleteTask, CreateNote, CreateTask, KeepEvent, PinMemory

MOST: Final = 20
"""Actions of one answer; more are skipped."""

LARGEST: Final = 64 * 1024
"""Characters of JSON that are read as a request."""

DEEPEST: Final = 8
"""Levels of nesting within one payload."""

SUMMARY_LENGTH: Final = 4_000
"""Characters of a summary that are kept."""

CANDIDATES: Final = 8
"""Objects in the prose that are tried, the last ones: more would be an answer about JSON."""

LONGEST_FENCE: Final = 200
"""Characters of a line that can open or close a block: the expression takes quadratic time."""

Reason = Literal["too_many", "unknown_action", "malformed", "too_deep"]

_KEYS: Final = frozenset({"actions", "tasks", "notes", "summary"})
_NAMES: Final = frozenset(get_args(ActionName))
_FENCE = re.compile(r"^ {0,3}(?P<marks>`{3,}|~{3,})[ \t]*(?P<tag>[^\s`]*)[^`\n]*$")
_OBJECT = re.compile(r"^\{", re.MULTILINE)

_ORDERS: Final[dict[str, tuple[type[Change], tuple[str, ...]]]] = {
    "create_task": (CreateTask, ("title", "due", "tags", "assignee")),
    "complete_task": (CompleteTask, ("taskId",)),
    "create_note": (CreateNote, ("text", "title", "kind", "tags")),
    "pin_memory": (PinMemory, ("type", "key", "value")),
    "create_event": (KeepEvent, ("title", "start", "end", "description", "location")),
}
"""What carries an action out, and the fields that a model may fill: never whose it is, nor what would be replaced."""


@dataclass(frozen=True, slots=True)
class Order:
    """A valid action: what is asked, and the change that does it."""

    name: ActionName
    payload: dict[str, Any]
    change: Change


@dataclass(frozen=True, slots=True)
class Request:
    """All that an output asks for. `skipped` tells why others were not taken, by kind: never in the model's words."""

    orders: tuple[Order, ...] = ()
    skipped: tuple[Reason, ...] = ()
    summary: str | None = None


NOTHING: Final = Request()


def requested(user: str, text: str, actions: Sequence[Action] = ()) -> Request:
    """What the text asks for, after the actions that came beside it.

    A request is one JSON object whose keys are all of `actions`, `tasks`, `notes`, `summary`: the whole text; or a block fenced
    with ``` or ~~~ and tagged `actions` or `json`; or, with `actions` among its keys, an object that begins a line. A block
    tagged `actions` may hold the bare list. Fences are read as CommonMark has them, so what is shown inside of a longer fence,
    or quoted, is none. The last request of a text counts, and no other. Any other JSON is part of the answer and does nothing.
    """
    given = [{"event": action.event, "payload": action.payload} for action in actions]
    found = _found(text) or {}
    summary = found.get("summary")
    return _request(user, [*given, *_listed(found)], summary if isinstance(summary, str) else None)


def _request(user: str, asked: Sequence[Any], summary: str | None) -> Request:
    orders: list[Order] = []
    skipped: list[Reason] = ["too_many"] * max(0, len(asked) - MOST)
    for one in asked[:MOST]:
        order = _order(user, one)
        if isinstance(order, Order):
            orders.append(order)
        else:
            skipped.append(order)
    kept = (summary or "").replace("\0", "").strip()[:SUMMARY_LENGTH]
    return Request(tuple(orders), tuple(skipped), kept or None)


def _listed(found: dict[str, Any]) -> Iterator[Any]:
    """Actions as they are; tasks and notes, which may be bare texts, as the actions that create them."""
    yield from _items(found, "actions")
    for task in _items(found, "tasks"):
        yield {"event": "create_task", "payload": {"title": task} if isinstance(task, str) else task}
    for note in _items(found, "notes"):
        yield {"event": "create_note", "payload": {"text": note} if isinstance(note, str) else note}


def _items(found: dict[str, Any], key: str) -> list[Any]:
    value = found.get(key)
    return cast("list[Any]", value) if isinstance(value, list) else []


def _order(user: str, asked: Any) -> Order | Reason:
    if not isinstance(asked, dict):
        return "malformed"
    fields = cast("dict[str, Any]", asked)
    name, payload = fields.get("event") or fields.get("action") or fields.get("type"), fields.get("payload")
    if name not in _NAMES:
        return "unknown_action"
    if not isinstance(payload, dict):
        return "malformed"
    if not _clean(cast("dict[str, Any]", payload), DEEPEST):
        return "too_deep"
    return _built(user, cast("ActionName", name), cast("dict[str, Any]", payload))


def _built(user: str, name: ActionName, payload: dict[str, Any]) -> Order | Reason:
    kind, allowed = _ORDERS[name]
    named = {_camel(key): value for key, value in payload.items()}
    if name == "complete_task":
        named.setdefault("taskId", named.get("id"))
    wanted = {key: named[key] for key in allowed if named.get(key) is not None}
    try:
        change = kind.model_validate({**wanted, "user": user})
    except ValidationError:
        return "malformed"
    return Order(name, _payload(change, allowed), change)


def _payload(change: Message, allowed: Sequence[str]) -> dict[str, Any]:
    wire = change.wire()
    return {key: wire[key] for key in allowed if wire.get(key) not in (None, [])}


def _camel(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(word.title() for word in others)


def _clean(value: Any, levels: int) -> bool:
    """Whether it is not nested deeper, and every text in it can be stored: no database takes a NUL."""
    if isinstance(value, str):
        return "\0" not in value
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return levels > 0 and all("\0" not in key and _clean(each, levels - 1) for key, each in pairs)
    if isinstance(value, list):
        return levels > 0 and all(_clean(each, levels - 1) for each in cast("list[Any]", value))
    return True


# --- finding it in the text ------------------------------------------------------------------------------------------


def _found(text: str) -> dict[str, Any] | None:
    """The last request in the text, or None."""
    if not any(f'"{key}"' in text for key in _KEYS) and "actions" not in text:
        return None
    whole = text.strip()
    if whole.startswith("{") and (request := _read(whole)) is not None:
        return request
    blocks, prose = _divided(text)
    requests = [request for tag, content in blocks if (request := _of_block(tag, content)) is not None]
    return requests[-1] if requests else _in_prose(prose)


def _of_block(tag: str, content: str) -> dict[str, Any] | None:
    content = content.strip()
    if tag == "actions" and content.startswith("["):
        content = f'{{"actions":{content}}}'
    return _read(content) if tag in ("actions", "json") else None


def _divided(text: str) -> tuple[list[tuple[str, str]], str]:
    """The fenced blocks as (tag, content), and the text without them. A fence that is never closed goes to the end."""
    blocks: list[tuple[str, str]] = []
    prose: list[str] = []
    marks, tag, content = "", "", list[str]()
    for line in text.splitlines():
        fence = _FENCE.match(line) if len(line) <= LONGEST_FENCE else None
        if not marks and fence:
            marks, tag, content = fence["marks"], fence["tag"].lower(), []
        elif marks and fence and fence["marks"].startswith(marks) and not fence["tag"]:
            blocks.append((tag, "\n".join(content)))
            marks = ""
        else:
            (content if marks else prose).append(line)
    if marks:
        blocks.append((tag, "\n".join(content)))
    return blocks, "\n".join(prose)


def _in_prose(prose: str) -> dict[str, Any] | None:
    starts = [match.start() for match in _OBJECT.finditer(prose)][-CANDIDATES:]
    for start in reversed(starts):
        end = _end_of_object(prose[start : start + LARGEST])
        request = _read(prose[start : start + end]) if end else None
        if request is not None and "actions" in request:
            return request
    return None


def _end_of_object(text: str) -> int:
    """Where the JSON value ends that the text begins with; 0 when there is none."""
    try:
        return json.JSONDecoder().raw_decode(text)[1]
    except (ValueError, RecursionError):
        return 0


def _read(text: str) -> dict[str, Any] | None:
    """The request that this JSON is, or None. The stricter reader: no NaN, no halves of characters, no bottomless nesting."""
    if len(text) > LARGEST:
        return None
    try:
        value: Any = from_json(text, allow_inf_nan=False)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    request = cast("dict[str, Any]", value)
    return request if request and request.keys() <= _KEYS else None
