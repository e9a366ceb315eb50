"""The file `.env.example`: every setting there is, with its default and its sentence, from the settings classes themselves."""

import importlib
import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from colloquy.plan import SERVICES

HEADER = """\
# Every setting of Colloquy with its default. Copy what you change to .env in the folder where you start ./colloquy or
# docker compose, or set it in the environment; the environment wins. Made by `./colloquy env-example`; do not edit.
"""


def env_example() -> str:
    """The whole file."""
    modules = ["shared.settings", "shared.provision", *(f"{service}.settings" for service in SERVICES)]
    classes = (each for name in modules if find_spec(name) for each in _settings_of(name))
    return "\n".join([HEADER, *(line for each in classes for line in _section(each))])


def _settings_of(module: str) -> Iterator[type[BaseSettings]]:
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, type) and issubclass(value, BaseSettings) and value.__module__ == module:
            yield value


def _section(settings: type[BaseSettings]) -> Iterator[str]:
    prefix = settings.model_config.get("env_prefix", "")
    yield f"\n# {'=' * 100}\n# {prefix}…: {(settings.__doc__ or '').strip()}\n"
    for name, field in settings.model_fields.items():
        yield f"# {field.description}{_choices(field)}"
        yield f"#{prefix}{name.upper()}={_text(field.get_default(call_default_factory=True))}\n"


def _choices(field: FieldInfo) -> str:
    if get_origin(field.annotation) is not Literal:
        return ""
    return f" ({', '.join(map(str, get_args(field.annotation)))})"


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(map(str, value))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case dict() | list():
            return json.dumps(value)
        case _:
            return str(value)
