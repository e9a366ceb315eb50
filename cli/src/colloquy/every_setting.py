"""Every setting there is, from the settings classes themselves: the file `.env.example`, and what compose.yaml passes on."""

import importlib
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from colloquy.plan import SERVICES, Service

HEADER = """\
# Every setting of Colloquy with its default. Copy what you change to .env in the folder where you start ./colloquy or
# docker compose, or set it in the environment; the environment wins. Made by `./colloquy generate`; do not edit.
"""
GENERAL = ("LOG_LEVEL", "LOG_FORMAT")
SET_BY_COMPOSE = {"MEMORY_DATABASE_URL", "GATEWAY_HOST", "GATEWAY_PORT", "GATEWAY_FD", "GATEWAY_AUTH"}


def generate(root: Path) -> None:
    """Writes the generated files of the checkout anew."""
    compose = root / "compose.yaml"
    (root / ".env.example").write_text(env_example(), encoding="utf-8")
    compose.write_text(with_settings(compose.read_text(encoding="utf-8")), encoding="utf-8")


def env_example() -> str:
    """The whole of `.env.example`."""
    modules = ["shared.settings", "shared.provision", *(f"{service}.settings" for service in SERVICES)]
    return "\n".join([HEADER, *(line for module in modules for each in _settings_of(module) for line in _section(each))])


def with_settings(compose: str) -> str:
    """The text of compose.yaml with the variables that each service gets, in the places marked for them."""
    for service in SERVICES:
        lines = "".join(f"      {name}:\n" for name in variables(service))
        place = re.compile(rf"(# settings of {service}: generated\n).*?( {{6}}# end of settings\n)", re.DOTALL)
        compose = place.sub(rf"\g<1>{lines}\g<2>", compose)
    return compose


def variables(service: Service) -> list[str]:
    """The names that a container of this service gets from outside, if they are set there."""
    own = (_variable(each, name) for each in _settings_of(f"{service}.settings") for name in each.model_fields)
    return [*GENERAL, *(name for name in own if name not in SET_BY_COMPOSE)]


def _settings_of(module: str) -> Iterator[type[BaseSettings]]:
    if find_spec(module) is None:
        return
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, type) and issubclass(value, BaseSettings) and value.__module__ == module:
            yield value


def _section(settings: type[BaseSettings]) -> Iterator[str]:
    prefix = settings.model_config.get("env_prefix", "")
    yield f"\n# {'=' * 100}\n# {prefix}…: {(settings.__doc__ or '').strip()}\n"
    for name, field in settings.model_fields.items():
        yield f"# {field.description}{_choices(field)}"
        yield f"#{_variable(settings, name)}={_text(field.get_default(call_default_factory=True))}\n"


def _variable(settings: type[BaseSettings], field: str) -> str:
    return f"{settings.model_config.get('env_prefix', '')}{field}".upper()


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
