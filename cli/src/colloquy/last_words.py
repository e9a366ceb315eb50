"""Why a program ended, as far as its log says."""

import json
from pathlib import Path
from typing import Any

TAIL_BYTES = 8192


def last_words(log: Path) -> str:
    """The reason in the last line of a log; every kind of line that our programs write is understood."""
    lines = _tail(log).strip().splitlines()
    if not lines:
        return f"it said nothing (its log is {log})."
    return f"{_reason(lines[-1])} (Its log is {log}.)"


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _reason(line: str) -> str:
    try:
        fields: dict[str, Any] = json.loads(line)
        return str(fields.get("reason") or fields.get("error") or fields.get("event") or line)
    except (ValueError, AttributeError):
        return line
