"""Which preferences there are, what they look like, and how they change.

| Key | Value |
|---|---|
| `timezone` | a name of the tz database, such as `Europe/Berlin` |
| `workHours` | `{"start": "09:00", "end": "17:30", "days": ["mon", "tue"]}`; days may be absent; it may go past midnight |
| `language` | a tag such as `en`, `pt-BR` |
| `notifications` | true or false, or an object of them |
| `dailyPlan` | true: a plan of the day is made every day, at `planAt` |
| `planAt` | a time of the day such as `07:30`; 07:00 when there is none |
| `calendarSync` | true: the calendar is brought over from the calendar server of this installation, again and again |
| `groupSummary` | true: summaries over several people, which the operator asks for, may use one's tasks and notes |
| `travel` | what flights should be like: `{"maxPrice": 400, "maxStops": 0, "airlines": ["LH"], "avoidAirlines": ["XX"],
"earliest": "07:00", "latest": "22:00"}`, each of them or none |
| `toolPolicy` | who is asked before a tool is called: `{"create_task": "ask", "shop__*": "never"}` |
| `mcpServers` | servers of tools of one's own: `{"docs": {"url": "https://docs.example.org/mcp", "policy": "ask"}}` |
| `home` | the town where the person lives, such as `Berlin` or `Berlin, Germany` |

Any other key of letters, digits, `_`, `.`, `-` is free. To set a key to null is to remove it.
"""

import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final, cast, get_args

from memory.free_value import stored
from shared.contract.tools import ToolPolicy
from shared.errors import Invalid, LimitReached

SCHEDULED: Final = ("dailyPlan", "planAt", "timezone", "notifications", "calendarSync")
"""Preferences on which the schedules of a person depend."""

KEYS: Final = 200
"""How many preferences one may have."""

BYTES: Final = 64 * 1024
"""How long they may be together, as JSON."""

_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,8}")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,3}")
_SERVER = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_POLICIES: Final = get_args(ToolPolicy)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def changed(old: Mapping[str, Any], given: Mapping[str, Any], remove: Iterable[str]) -> tuple[dict[str, Any], str]:
    """The preferences as they are then, and as they are stored. Raises Invalid, LimitReached, TooLarge."""
    for key, value in given.items():
        _check(key, value)
    gone = {*remove, *(key for key, value in given.items() if value is None)}
    new = {key: value for key, value in {**old, **given}.items() if key not in gone}
    if len(new) > KEYS:
        raise LimitReached(f"There may be {KEYS} preferences; remove some first.", limit=KEYS)
    return new, stored(new, BYTES, "These preferences")


def _check(key: str, value: Any) -> None:
    if not _KEY.fullmatch(key):
        raise Invalid("A preference is named by up to 64 letters, digits, '_', '.' and '-'.")
    if value is not None and key in _KNOWN:
        _KNOWN[key](value)


def _timezone(value: Any) -> None:
    if not isinstance(value, str) or not _ZONE.fullmatch(value) or value not in (_zones() or (value,)):
        raise Invalid("timezone must be a name of the tz database, such as Europe/Berlin.")


@cache
def _zones() -> frozenset[str]:
    """Every name there is; none on a machine without the database."""
    return frozenset(zoneinfo.available_timezones())


def _work_hours(value: Any) -> None:
    if not isinstance(value, dict):
        raise Invalid('workHours must be an object such as {"start": "09:00", "end": "17:00"}.')
    hours = cast("dict[str, Any]", value)
    if hours.keys() - {"start", "end", "days"} or not {"start", "end"} <= hours.keys():
        raise Invalid("workHours has start and end, and may have days.")
    if not all(isinstance(hours[edge], str) and _TIME.fullmatch(hours[edge]) for edge in ("start", "end")):
        raise Invalid("start and end of workHours must be times such as 09:00.")
    if hours["start"] == hours["end"]:
        raise Invalid("start and end of workHours must differ.")
    _days(hours.get("days"))


def _days(value: Any) -> None:
    if value is None:
        return
    days = cast("list[Any]", value) if isinstance(value, list) else [None]
    if any(day not in _DAYS for day in days) or len(set(days)) < len(days):
        raise Invalid(f"days of workHours must be a list of {', '.join(_DAYS)}, each at most once.")


def _language(value: Any) -> None:
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
        raise Invalid("language must be a language tag, such as en or pt-BR.")


def _notifications(value: Any) -> None:
    if isinstance(value, bool):
        return
    if not isinstance(value, dict):
        raise Invalid("notifications must be true, false, or an object of them.")
    switches = cast("dict[str, Any]", value)
    if not all(_KEY.fullmatch(key) and isinstance(switch, bool) for key, switch in switches.items()):
        raise Invalid("notifications must be true, false, or an object of them.")


def _switch(key: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if not isinstance(value, bool):
            raise Invalid(f"{key} must be true or false.")

    return check


def _plan_at(value: Any) -> None:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise Invalid("planAt must be a time such as 07:30.")


def _travel(value: Any) -> None:
    if not isinstance(value, dict):
        raise Invalid('travel must be an object such as {"maxPrice": 400, "maxStops": 0}.')
    wishes = cast("dict[str, Any]", value)
    for key, wish in wishes.items():
        if key not in _WISHES or not _WISHES[key](wish):
            raise Invalid(f"travel may have {', '.join(_WISHES)}: numbers, lists of names, and times such as 07:00.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1_000_000


def _is_names(value: Any) -> bool:
    names = cast("list[Any]", value) if isinstance(value, list) else [None]
    return len(names) <= 50 and all(isinstance(name, str) and 0 < len(name) <= 64 for name in names)


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


_WISHES: Final[dict[str, Callable[[Any], bool]]] = {
    "maxPrice": _is_number,
    "maxStops": _is_number,
    "airlines": _is_names,
    "avoidAirlines": _is_names,
    "earliest": _is_time,
    "latest": _is_time,
}


def _tool_policy(value: Any) -> None:
    """One that is written wrong would leave a call unasked that somebody wanted to be asked about."""
    policies = cast("dict[str, Any]", value) if isinstance(value, dict) else {"": None}
    if any(policy not in _POLICIES for policy in policies.values()):
        raise Invalid(f'toolPolicy must be an object such as {{"create_task": "ask"}}, of {", ".join(_POLICIES)}.')


def _mcp_servers(value: Any) -> None:
    servers = cast("dict[str, Any]", value) if isinstance(value, dict) else {"": None}
    if not all(_SERVER.fullmatch(name) and _is_server(server) for name, server in servers.items()):
        raise Invalid('mcpServers must be an object such as {"docs": {"url": "https://example.org/mcp", "policy": "ask"}}.')


def _is_server(value: Any) -> bool:
    server = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    url = server.get("url")
    known = server.keys() <= {"url", "policy"} and server.get("policy", "ask") in _POLICIES
    return known and isinstance(url, str) and url.startswith("https://") and len(url) <= 2_048


def _home(value: Any) -> None:
    if not isinstance(value, str) or not value.strip() or len(value) > 255:
        raise Invalid("home must be the name of a place, of at most 255 characters.")


_KNOWN: Final[dict[str, Callable[[Any], None]]] = {
    "timezone": _timezone,
    "workHours": _work_hours,
    "language": _language,
    "notifications": _notifications,
    "home": _home,
    "dailyPlan": _switch("dailyPlan"),
    "calendarSync": _switch("calendarSync"),
    "groupSummary": _switch("groupSummary"),
    "planAt": _plan_at,
    "travel": _travel,
    "toolPolicy": _tool_policy,
    "mcpServers": _mcp_servers,
}
