"""`colloquy audit verify`: whether anything in the audit was changed, taken away or cut off."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.exc import SQLAlchemyError

from colloquy.data_folder import DataFolder
from colloquy.errors import Failed
from colloquy.secrets_file import passwords
from memory.audit import Verdict
from memory.settings import MemorySettings
from memory.tools.audit import said, verify

AUDIT = "audit"
"""The name of the audit's key among the passwords."""


def with_audit_key(folder: DataFolder, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the key of the audit: the one that was set, or the one that the data folder keeps. Raises Failed."""
    if environment.get("MEMORY_AUDIT_KEY"):
        return dict(environment)
    return {**environment, "MEMORY_AUDIT_KEY": passwords(folder.secrets, [AUDIT])[AUDIT]}


def settings_of(data: Path, database: str | None, anchors: Path | None) -> MemorySettings:
    """Memory's settings as `up` would make them; `database` and `anchors` instead of its own. Raises Failed."""
    folder = DataFolder(data.absolute())
    key = os.environ.get("MEMORY_AUDIT_KEY") or _kept_key(folder)
    url = database or os.environ.get("MEMORY_DATABASE_URL") or f"sqlite:///{folder.database}"
    settings = MemorySettings(database_url=url, audit_key=SecretStr(key))
    return settings if anchors is None else settings.model_copy(update={"audit_anchor": str(anchors)})


def _kept_key(folder: DataFolder) -> str:
    """The key that `up` made; none is made here, because only the one that was used can tell."""
    return passwords(folder.secrets, [AUDIT])[AUDIT] if folder.secrets.exists() else ""


def check(settings: MemorySettings) -> bool:
    """Checks, and prints what was found. False when something is broken. Raises Failed when nothing can be read."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Checking the audit", total=None)
        try:
            verdict = asyncio.run(verify(settings, lambda done, total: progress.update(task, completed=done, total=total)))
        except (SQLAlchemyError, OSError) as error:
            # Not the error's own words: they may quote the address with its password.
            raise Failed(f"The database can't be read ({type(error).__name__}). Is it there, and of this version?") from None
    _print(verdict)
    return not verdict.findings


def _print(verdict: Verdict) -> None:
    out = Console(highlight=False, soft_wrap=True)
    for line in said(verdict):
        out.print(line, style="red" if line.startswith("BROKEN") else None, markup=False)
