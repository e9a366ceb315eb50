"""`colloquy events`: everything that is stored, as it happens, one JSON object a line."""

import json
import sys
from pathlib import Path

from colloquy.data_folder import DataFolder
from colloquy.errors import Failed
from shared.contract.subjects import live_filter
from shared.errors import Unavailable
from shared.observer import Heard, observe


async def events(address: str, user: str | None, *, tokens: bool) -> None:
    """Prints until interrupted. Raises Failed when NATS can't be reached."""
    try:
        async with observe(address, "analytics") as observer, observer.tap(live_filter(user, tokens=tokens)) as passing:
            async for heard in passing:
                sys.stdout.write(line_of(heard))
                sys.stdout.flush()
    except Unavailable as fault:
        raise Failed(str(fault)) from None


def line_of(heard: Heard) -> str:
    """`user` is the token that stands for the user in subjects; `sequence` counts in the stream `shard`."""
    _, shard, user, *_ = heard.subject.split(".")
    place = {"shard": shard, "sequence": heard.sequence, "user": user, "type": heard.type}
    return json.dumps(place)[:-1] + f', "data": {heard.data.decode(errors="replace")}}}\n'


def listening_address(data: Path) -> str:
    """Where the running installation of this data folder may be listened to. Raises Failed."""
    try:
        return DataFolder(data.absolute()).events_url.read_text().strip()
    except OSError:
        raise Failed(f"Colloquy does not run on {data}; start it with `colloquy up`, or name a NATS with --nats.") from None
