"""Passwords and tokens: made at random at the first start, then kept."""

import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import TypeAdapter

from colloquy.data_folder import write_private
from colloquy.errors import Failed

_Known = TypeAdapter(dict[str, str])


def passwords(path: Path, users: Iterable[str]) -> Mapping[str, str]:
    """The password of each user, from the file; missing ones are made and stored. Raises Failed."""
    known = _read(path)
    wanted = {user: known.get(user) or secrets.token_urlsafe(24) for user in users}
    if wanted.items() - known.items():
        write_private(path, json.dumps(known | wanted, indent=1))
    return wanted


def kept_token(path: Path) -> str:
    """The token in the file, on a line of its own; made and stored when there is none. Raises Failed."""
    try:
        token = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    except (OSError, ValueError):
        raise Failed(f"{path} can't be read. Delete it and a token is made anew.") from None
    if not token:
        token = secrets.token_urlsafe(32)
        write_private(path, token + "\n")
    return token


def _read(path: Path) -> dict[str, str]:
    try:
        return _Known.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise Failed(f"{path} can't be read. Delete it and passwords are made anew.") from None
