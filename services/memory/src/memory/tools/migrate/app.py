"""How moving is put together: both databases, each with the lock that keeps memory out."""

from memory.adapters.postgres_address import is_postgres
from memory.adapters.sqlite_file import path_of
from memory.adapters.store import open_store
from memory.clock import Clock, micros
from memory.moving import NotMoved, Progress, move
from memory.settings import MemorySettings
from shared.ids import new_id


async def migrate(source: str, target: str, progress: Progress) -> dict[str, int]:
    """Moves everything; how many rows of each table. Raises faults, whose sentences tell what to do."""
    if source == target:
        raise NotMoved("Both addresses are the same.")
    if not is_postgres(source) and not path_of(source).exists():
        raise NotMoved("There is no database to move from at this address.")
    now = micros(Clock().now())
    old, new = (MemorySettings(database_url=url, writers=1, readers=1) for url in (source, target))
    async with open_store(old, new_id("s"), now) as here, open_store(new, here.database_id, now) as there:
        return await move(here, there, progress)
