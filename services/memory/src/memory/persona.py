"""Who answers: the built-in personas, and which one is meant by a name."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

from sqlalchemy import Connection

from memory.records import personas
from shared.contract.person import Persona
from shared.errors import UnknownPersona

DEFAULT: Final = "assistant"
"""The all-round assistant, who answers when nobody else is asked for."""

_SAME_AS_DEFAULT = ("", "default", DEFAULT)
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


@cache
def built_in() -> dict[str, Persona]:
    """The built-in personas by their ids, in the order they are shown in."""
    read = tomllib.loads(files("memory").joinpath("personas.toml").read_text(encoding="utf-8"))
    return {key: Persona(id=key, built_in=True, **fields) for key, fields in read.items()}


def resolve(connection: Connection, user: str, named: str | None) -> Persona:
    """The persona with this id or name. None and `default` mean the all-round assistant. Raises UnknownPersona."""
    name = plain(named or "")
    if name in _SAME_AS_DEFAULT:
        return built_in()[DEFAULT]
    if own := personas.find(connection, user, named or ""):
        return own
    for persona in (*built_in().values(), *personas.all_of(connection, user)):
        if name in (persona.id, plain(persona.name)):
            return persona
    raise UnknownPersona


def chosen(connection: Connection, user: str, named: str | None) -> Persona:
    """The same for a conversation that goes on: when its persona is gone, the all-round assistant takes over."""
    try:
        return resolve(connection, user, named)
    except UnknownPersona:
        return built_in()[DEFAULT]


def named(connection: Connection, user: str, name: str | None) -> str | None:
    """The id of the persona that is asked for, or None when none is. Raises UnknownPersona."""
    return None if name is None else resolve(connection, user, name).id


def plain(name: str) -> str:
    """A name as it is compared: without regard to case, spaces and underscores being dashes."""
    return _BETWEEN_WORDS.sub("-", name.strip()).casefold()
