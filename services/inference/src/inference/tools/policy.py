"""Whether a call is made, asked about, or not made: the operator decides, and a person may be stricter."""

from collections.abc import Mapping
from typing import Any, Final, cast, get_args

from shared.contract.tools import ToolPolicy

_STRICTNESS: Final[dict[ToolPolicy, int]] = {"auto": 0, "ask": 1, "never": 2}

PREFERENCE: Final = "toolPolicy"
"""The preference in which a person says what may be done for them: policies by the names of tools; `server__*` for a server."""


def stricter(one: ToolPolicy, other: ToolPolicy) -> ToolPolicy:
    """The stricter one of two."""
    return max(one, other, key=_STRICTNESS.__getitem__)


def decided(operator: ToolPolicy, wish: ToolPolicy | None, *, loose: bool) -> ToolPolicy:
    """What holds. Looser than the operator's only where that is allowed (`loose`), and never what the operator forbids."""
    if wish is None or operator == "never":
        return operator
    return wish if loose else stricter(operator, wish)


def wish_for(name: str, preferences: Mapping[str, Any]) -> ToolPolicy | None:
    """What this person's preferences say about a tool."""
    wishes = preferences.get(PREFERENCE)
    if not isinstance(wishes, dict):
        return None
    server, joint, _ = name.partition("__")
    found = cast("dict[str, Any]", wishes).get(name)
    if found is None and joint:
        found = cast("dict[str, Any]", wishes).get(f"{server}__*")
    return cast("ToolPolicy", found) if found in get_args(ToolPolicy) else None
