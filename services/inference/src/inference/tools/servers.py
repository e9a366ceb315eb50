"""The MCP servers that an operator names: read from TOML, checked, and with a sentence for everything that is wrong."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from inference.tools.builtin import NAMES
from shared.contract.tools import ToolPolicy
from shared.errors import Invalid

VARIABLE: Final = "INFERENCE_TOOL_SERVERS"
SERVER_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")

PREFERENCE: Final = "mcpServers"
"""The preference in which a person names servers of their own: {name: {url, policy?}}."""

_Seconds = Annotated[float, Field(gt=0, le=3_600)]


class ToolRules(BaseModel):
    """What is different for one tool of a server."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    policy: ToolPolicy | None = None
    heavy: bool | None = None
    idempotent: bool | None = None
    trusted: bool | None = None
    allow_user_policy: bool | None = None
    timeout_seconds: _Seconds | None = None


class Server(BaseModel):
    """One server, and what holds for its tools.

    `heavy`: only in a turn that a person started. `idempotent`: it honours the idempotency key. `trusted`: strangers don't
    write what it answers, and it may be called even after the model has read something that they wrote.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = ""
    command: tuple[str, ...] = ()
    policy: ToolPolicy = "ask"
    tools: dict[str, ToolRules] = {}
    heavy: bool = False
    idempotent: bool = False
    trusted: bool = False
    allow_user_policy: bool = False
    timeout_seconds: _Seconds = 30.0
    max_result_bytes: Annotated[int, Field(ge=1_024, le=262_144)] = 65_536
    concurrency: Annotated[int, Field(ge=1, le=100)] = 4
    env: dict[str, SecretStr] = {}
    headers: dict[str, SecretStr] = {}

    @model_validator(mode="after")
    def _one_way(self) -> "Server":
        if bool(self.url) == bool(self.command):
            raise ValueError('give either url = "http://…/mcp" or command = ["program", "argument"]')
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError("url: it starts with http:// or https://")
        return self


class ToolSettings(BaseModel):
    """All that an operator says about tools."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    servers: dict[str, Server] = {}
    builtin: dict[str, ToolRules] = {}

    @property
    def policies(self) -> dict[str, ToolPolicy]:
        """Of built-in tools."""
        return {name: rules.policy for name, rules in self.builtin.items() if rules.policy is not None}

    @model_validator(mode="after")
    def _known(self) -> "ToolSettings":
        for name in self.servers:
            if not SERVER_NAME.fullmatch(name):
                raise ValueError(f"servers.{name}: a name has lower-case letters, digits and single hyphens, at most 32")
        if unknown := sorted(self.builtin.keys() - set(NAMES)):
            raise ValueError(f"builtin.{unknown[0]}: there are {', '.join(NAMES)}")
        return self


def settings_of(text_or_path: str) -> ToolSettings:
    """What this TOML says, or the file of this path. Raises Invalid."""
    text = _read(text_or_path.strip())
    try:
        return ToolSettings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{VARIABLE} is no TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise Invalid(f"{VARIABLE}: {where + ': ' if where else ''}{said}.") from None


def of_person(preferences: Mapping[str, Any], most: int) -> dict[str, Server]:
    """The servers that a person named, as far as they can be used: by https, each asked about before it is called."""
    named = preferences.get(PREFERENCE)
    if not isinstance(named, dict):
        return {}
    found: dict[str, Server] = {}
    for name, fields in sorted(cast("dict[Any, Any]", named).items(), key=str):
        server = _of_person(fields) if isinstance(name, str) and SERVER_NAME.fullmatch(name) else None
        if server is not None and len(found) < most:
            found[name] = server
    return found


def _of_person(fields: Any) -> Server | None:
    if not isinstance(fields, dict):
        return None
    given = cast("dict[str, Any]", fields)
    url, policy = given.get("url"), given.get("policy", "ask")
    if not isinstance(url, str) or not url.startswith("https://") or len(url) > 2_048 or policy not in ("auto", "ask", "never"):
        return None
    return Server(url=url, policy=policy, allow_user_policy=True, concurrency=2)


def _read(text: str) -> str:
    if "\n" in text or "=" in text or text.startswith("[") or not text:
        return text
    try:
        return Path(text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise Invalid(f"{VARIABLE}: the file {text} can't be read ({type(error).__name__}).") from None
