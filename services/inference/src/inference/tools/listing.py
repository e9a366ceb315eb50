"""What a server says about its tools, made fit to be shown to a model: named, cut, and held to its first word."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

from inference.tools.offer import Offered
from inference.tools.policy import stricter
from inference.tools.servers import Server, ToolRules
from inference.tools.telling import cleaned, cleaned_value
from shared.contract.tools import Tool

MOST_TOOLS: Final = 64
"""Of one server."""

DESCRIPTION: Final = 1_024
"""Characters of a description that a model is told."""

SCHEMA: Final = 16 * 1024
"""Characters of a schema; a tool with a longer one is left out."""

NAME: Final = 64
"""Characters of a name that every model's server takes."""

_FOREIGN: Final = re.compile(r"[^A-Za-z0-9_-]")


class Listed(NamedTuple):
    """A tool as its server lists it."""

    name: str
    description: str
    schema: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """Of all that a model is told."""
        said = [self.name, self.description, self.schema]
        return sha256(json.dumps(said, sort_keys=True, default=str).encode(errors="surrogatepass")).hexdigest()


@dataclass(slots=True)
class Pins:
    """What the tools of one server were when they were first seen: one that changes afterwards is asked about (a rug-pull)."""

    first: dict[str, str]

    def changed(self, listed: Listed) -> bool:
        """Whether it is not what it was."""
        return self.first.setdefault(listed.name, listed.fingerprint) != listed.fingerprint


def offered_by(name: str, server: Server, tools: Iterable[Listed], pins: Pins, *, foreign: bool) -> list[Offered]:
    """The tools of a server, by the names `server__tool`. What can't be shown is left out."""
    offered: dict[str, Offered] = {}
    for listed in tools:
        if len(offered) == MOST_TOOLS:
            break
        shown = _name(name, listed.name)
        if not listed.name or shown in offered or not _fits(listed.schema):
            continue
        offered[shown] = _offered(name, server, listed, shown, changed=pins.changed(listed), foreign=foreign)
    return list(offered.values())


def _offered(name: str, server: Server, listed: Listed, shown: str, *, changed: bool, foreign: bool) -> Offered:
    rules = server.tools.get(listed.name, ToolRules())
    policy = rules.policy or server.policy
    trusted = _either(rules.trusted, server.trusted)
    tool = Tool(
        name=shown,
        description=cleaned(listed.description)[:DESCRIPTION],
        parameters=cleaned_value(dict(listed.schema)),
        policy=stricter(policy, "ask") if changed else policy,
        heavy=_either(rules.heavy, server.heavy),
        server=name,
    )
    return Offered(
        tool,
        original=listed.name,
        idempotent=_either(rules.idempotent, server.idempotent),
        taints=not trusted,
        guarded=not trusted,
        loose=_either(rules.allow_user_policy, server.allow_user_policy) and not changed,
        timeout=rules.timeout_seconds or server.timeout_seconds,
        most=server.max_result_bytes,
        foreign=foreign,
    )


def _name(server: str, tool: str) -> str:
    plain = _FOREIGN.sub("_", tool)
    name = f"{server}__{plain}"
    if plain == tool and len(name) <= NAME:
        return name
    return f"{name[: NAME - 9]}_{sha256(tool.encode(errors='surrogatepass')).hexdigest()[:8]}"


def _fits(schema: Mapping[str, Any]) -> bool:
    try:
        return len(json.dumps(schema, ensure_ascii=False)) <= SCHEMA
    except (TypeError, ValueError, RecursionError):
        return False


def _either(one: bool | None, other: bool) -> bool:
    return other if one is None else one
