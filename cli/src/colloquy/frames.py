"""Reads the event stream of a gateway."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One event. `cursor` is empty for what is not stored, such as `reset`."""

    cursor: str
    type: str
    data: str


async def frames(chunks: AsyncIterator[bytes]) -> AsyncIterator[Frame]:
    """The events in a response body; comments are left out.

    Split at line feeds only, which is what our gateway writes: JSON may hold other characters that count as line ends (U+2028).
    """
    buffer = b""
    async for chunk in chunks:
        *whole, buffer = (buffer + chunk).split(b"\n\n")
        for block in whole:
            frame = _frame(block)
            if frame is not None:
                yield frame


def _frame(block: bytes) -> Frame | None:
    fields: dict[str, str] = {}
    for line in block.decode(errors="replace").split("\n"):
        name, _, value = line.partition(":")
        fields[name] = value.removeprefix(" ")
    if "event" not in fields:
        return None
    return Frame(fields.get("id", ""), fields["event"], fields.get("data", ""))
