"""The models that an operator names: read from TOML, checked, and with a sentence for everything that is wrong."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from inference.tags import Tag
from shared.contract.budget import Rate
from shared.errors import Invalid

Provider = Literal["openai", "recorded", "embedded"]
Capability = Literal["tools", "json", "vision", "reasoning"]

VARIABLE: Final = "INFERENCE_MODELS"
CANNED: Final = "canned"
"""The id of the reply that no model made."""

_Seconds = Annotated[float, Field(gt=0)]
_Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Entry(BaseModel):
    """One model: where it is, what it costs and can do, and who answers when it does not. Absent times are the settings'."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: str = Field(min_length=1, max_length=200)
    provider: Provider = "openai"
    description: str = ""
    base_url: str = ""
    model: str = ""
    api_key: SecretStr = SecretStr("")
    api_key_env: str = ""
    api_key_file: str = ""
    headers: dict[str, SecretStr] = {}
    prompt_price: _Price | None = None
    completion_price: _Price | None = None
    context: Annotated[int, Field(gt=0)] | None = None
    max_output: Annotated[int, Field(gt=0)] | None = None
    capabilities: tuple[Capability, ...] = ("tools",)
    fallback: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    connect_seconds: _Seconds | None = None
    first_token_seconds: _Seconds | None = None
    idle_seconds: _Seconds | None = None
    total_seconds: _Seconds | None = None
    retries: Annotated[int, Field(ge=0, le=10)] | None = None
    path: str = ""
    speed: Annotated[float, Field(ge=0)] = 1.0

    @model_validator(mode="after")
    def _fits(self) -> "Entry":
        if self.provider == "openai" and not self.base_url.startswith(("http://", "https://")):
            raise ValueError("base_url: give the server's address up to and with /v1, such as http://127.0.0.1:11434/v1")
        if self.provider == "recorded" and not self.path:
            raise ValueError("path: name the file with the recorded conversation")
        if sum(map(bool, (self.api_key.get_secret_value(), self.api_key_env, self.api_key_file))) > 1:
            raise ValueError("give one of api_key, api_key_env and api_key_file")
        return self

    @property
    def name(self) -> str:
        """What its server calls it."""
        return self.model or self.id


class Catalogue:
    """The entries by id, the default, and chains that lead somewhere. Raises Invalid."""

    def __init__(self, entries: Sequence[Entry], default: str | None = None) -> None:
        self.entries: dict[str, Entry] = {}
        for entry in entries:
            if entry.id in self.entries or entry.id == CANNED:
                raise Invalid(f"{VARIABLE}: two models have the id {entry.id!r}; every model needs one of its own.")
            self.entries[entry.id] = entry
        self.default = default or next(iter(self.entries))
        if self.default not in self.entries:
            raise Invalid(f"{VARIABLE}: [default] names the model {self.default!r}; {self._there()}")
        for entry in entries:
            self._check_chain(entry)

    def chain(self, entry: Entry) -> list[Entry]:
        """The model itself, then those that answer in its place, in their order."""
        return [entry, *(self.entries[name] for name in entry.fallback)]

    def rates(self) -> list[Rate]:
        """The price of every model; without one it costs nothing."""
        return [
            Rate(
                model=entry.id,
                prompt_price=entry.prompt_price or 0.0,
                completion_price=entry.completion_price or 0.0,
                max_output_tokens=entry.max_output,
                default=entry.id == self.default,
            )
            for entry in self.entries.values()
        ]

    def _check_chain(self, entry: Entry) -> None:
        for name in entry.fallback:
            if name not in self.entries:
                raise Invalid(f"{VARIABLE}: models.{entry.id}.fallback names {name!r}; {self._there()}")
        if len({entry.id, *entry.fallback}) <= len(entry.fallback):
            raise Invalid(f"{VARIABLE}: models.{entry.id}.fallback names a model twice, or itself.")

    def _there(self) -> str:
        return f"there are {', '.join(self.entries)}."


def entries_of(text_or_path: str) -> tuple[list[Entry], str | None]:
    """The models in this TOML, or in the file of this path, and the id of the default if one is named. Raises Invalid."""
    if not text_or_path.strip():
        return [], None
    table = _table(_text(text_or_path))
    defaults = _section(table, "default")
    default = defaults.pop("model", None)
    entries = [_entry(name, defaults | _section(models, name)) for models in [_section(table, "models")] for name in models]
    if unknown := sorted(table.keys() - {"default", "models"}):
        raise Invalid(f"{VARIABLE}: there is no section [{unknown[0]}]; models are [models.ID], what they share is [default].")
    if not entries:
        raise Invalid(f'{VARIABLE} names no model: write [models.ID] with base_url = "http://…/v1" under it.')
    return entries, None if default is None else str(default)


def key_of(entry: Entry, environment: Mapping[str, str]) -> str:
    """The key that is sent to its server; empty: none. Raises Invalid when it should be somewhere and is not."""
    if entry.api_key_env:
        if not environment.get(entry.api_key_env, "").strip():
            raise Invalid(f"{VARIABLE}: models.{entry.id}.api_key_env: set {entry.api_key_env} to the key of that server.")
        return environment[entry.api_key_env].strip()
    if entry.api_key_file:
        try:
            return Path(entry.api_key_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = f"{entry.api_key_file} can't be read ({type(error).__name__})"
            raise Invalid(f"{VARIABLE}: models.{entry.id}.api_key_file: {reason}.") from None
    return entry.api_key.get_secret_value().strip()


def _text(text_or_path: str) -> str:
    if "\n" in text_or_path or "=" in text_or_path:
        return text_or_path
    try:
        return Path(text_or_path.strip()).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{VARIABLE} is a path, and that file can't be read ({type(error).__name__}).") from None


def _table(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The library's sentence says where; it may quote a character of the text, never a line with a key in it.
        raise Invalid(f"{VARIABLE} can't be read as TOML: {error}.") from None


def _section(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    value: Any = table.get(name, {})
    if not isinstance(value, dict):
        raise Invalid(f"{VARIABLE}: {name} has to be a section: [default], or [models.ID].")
    return dict(cast("dict[str, Any]", value))


def _entry(name: str, fields: dict[str, Any]) -> Entry:
    if fields.get("id", name) != name:
        raise Invalid(f"{VARIABLE}: models.{name}.id: the id is the name of the section; leave it out, or make both the same.")
    try:
        return Entry.model_validate(fields | {"id": name})
    except ValidationError as error:
        raise Invalid(f"{VARIABLE}: {_first(name, error)}.") from None


def _first(name: str, error: ValidationError) -> str:
    """The first thing that is wrong, with its place."""
    detail = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in ("models", name, *detail["loc"]))
    if detail["type"] == "extra_forbidden":
        return f"{place}: there is no such field; there are {', '.join(Entry.model_fields)}"
    return f"{place}: {detail['msg'].removeprefix('Value error, ')}"
