"""What every service lets an operator change. Each service adds its own; all are read from the environment once."""

import os
import sys
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

S = TypeVar("S", bound=BaseSettings)

SECRETS_DIR = Path(os.environ.get("COLLOQUY_SECRETS", "/run/secrets"))
"""Where container engines put secrets: a file named like a setting, in lower case, is that setting."""


def settings_config(prefix: str) -> SettingsConfigDict:
    """The configuration of a settings class whose variables start with `prefix`."""
    return SettingsConfigDict(
        env_prefix=prefix,
        frozen=True,
        extra="ignore",
        secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None,
    )


def read(kind: type[S]) -> S:
    """What the environment says. A setting that can't be ends the process with one sentence, without the value, a key maybe."""
    prefix = kind.model_config.get("env_prefix", "")
    try:
        return kind()
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        name = (prefix + ".".join(str(part) for part in first["loc"])).rstrip("_")
        head, dot, rest = name.partition(".")
        sys.exit(f"{head.upper()}{dot}{rest}: {first['msg'].removeprefix('Value error, ')}")
    except SettingsError as wrong:
        name = str(wrong).partition('"')[2].partition('"')[0]
        sys.exit(f"{prefix}{name.upper()}: this is no JSON")


class NatsSettings(BaseSettings):
    """Where the bus is."""

    model_config = settings_config("NATS_")

    url: SecretStr = Field(
        default=SecretStr("nats://127.0.0.1:4222"),
        description="Address of NATS with the service's own user and password; several, separated by commas, for a cluster.",
    )
    connect_timeout: float = Field(default=10.0, gt=0, description="Seconds to wait for NATS at the start before giving up.")


class LogSettings(BaseSettings):
    """How a service speaks about itself."""

    model_config = settings_config("LOG_")

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe line that is written."
    )
    format: Literal["json", "console"] = Field(default="json", description="json for machines, console for people.")


class MetricsSettings(BaseSettings):
    """Where a service shows its metrics; the gateway shows its own at /metrics."""

    model_config = settings_config("METRICS_")

    port: int = Field(default=0, ge=0, le=65535, description="Port of a Prometheus endpoint of this service; 0 for none.")
    host: str = Field(default="127.0.0.1", description="Address the Prometheus endpoint listens on.")
