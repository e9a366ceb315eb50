"""`colloquy migrate`: from one database to another, with progress."""

import asyncio
from collections.abc import Callable

from rich.console import Console
from rich.progress import Progress, TaskID

from colloquy.errors import Failed
from colloquy.terminal import say
from memory.tools.migrate.app import migrate
from shared.errors import Fault


def move(source: str, target: str) -> None:
    """Moves everything. Raises Failed with what to do; the addresses, which hold passwords, are not in it."""
    console = Console(stderr=True)
    try:
        if console.is_terminal:
            with Progress(console=console, transient=True) as progress:
                counts = asyncio.run(migrate(source, target, _bars(progress)))
        else:
            counts = asyncio.run(migrate(source, target, _lines(console)))
    except Fault as fault:
        raise Failed(str(fault)) from None
    say(f"Moved {sum(counts.values())} rows. Set MEMORY_DATABASE_URL to the new address, and start again.")


def _bars(progress: Progress) -> Callable[[str, int, int], None]:
    bars: dict[str, TaskID] = {}

    def show(table: str, done: int, total: int) -> None:
        if table not in bars:
            bars[table] = progress.add_task(table, total=total)
        progress.update(bars[table], completed=done)

    return show


def _lines(console: Console) -> Callable[[str, int, int], None]:
    return lambda table, done, total: console.print(f"{table}: {done} of {total}", highlight=False)
