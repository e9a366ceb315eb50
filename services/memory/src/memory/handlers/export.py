"""Everything that is kept of a user, page by page (N17, S16).

Each page is a snapshot of its own: what changes while somebody exports may be in it as it was or as it is.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import astuple, dataclass, replace

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from memory.handlers.reading import Snapshot
from memory.records import exporting
from memory.records.exporting import KINDS, Key, Record
from shared.contract.account import Export, ExportPage
from shared.errors import BadCursor

PAGE_BYTES = 256 * 1024
ROWS_AT_ONCE = 50
"""A row can have a MiB of text, and they are in memory together."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far an export is: the number of the kind, the key of its last row, and how many records of the next were given."""

    kind: int = 0
    after: Key | None = None
    skip: int = 0
    done: int = 0
    total: int = 0


_PLACE: TypeAdapter[tuple[int, Key | None, int, int, int]] = TypeAdapter(tuple[int, Key | None, int, int, int])


def _cursor(place: Place) -> str:
    return urlsafe_b64encode(to_json(astuple(place))).decode()


def _place(cursor: str) -> Place:
    try:
        place = Place(*_PLACE.validate_json(urlsafe_b64decode(cursor.encode())))
    except (ValidationError, ValueError):
        raise BadCursor from None
    if not 0 <= place.kind < len(KINDS) or place.skip < 0 or place.done < 0:
        raise BadCursor
    return place


class _Page:
    """Records of one page as they come, until it is full."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._size = 0

    def takes(self, record: Record) -> bool:
        """Adds it, unless it is too much for this page; the first one always fits."""
        size = len(to_json(record))
        if self.records and self._size + size > PAGE_BYTES:
            return False
        self.records.append(record)
        self._size += size
        return True


def export(view: Snapshot, question: Export) -> ExportPage:
    """The next page; the first one counts what there is."""
    place = _place(question.cursor) if question.cursor else Place(total=exporting.count(view.connection, question.user))
    page, full = _Page(), False
    while place.kind < len(KINDS) and not full:
        place, full = _fill(view, question.user, place, page)
    return ExportPage(
        records=page.records, next=_cursor(place) if full else None, done=place.done, total=max(place.total, place.done)
    )


def _fill(view: Snapshot, user: str, place: Place, page: _Page) -> tuple[Place, bool]:
    """Adds the next rows of a kind; answers where it goes on, and whether the page is full."""
    found = exporting.read(view.connection, KINDS[place.kind], user, place.after, ROWS_AT_ONCE)
    for key, records in found:
        for number, record in enumerate(records[place.skip :], start=place.skip):
            if not page.takes(record):
                return replace(place, skip=number), True
        place = replace(place, after=key, skip=0, done=place.done + 1)
    if len(found) == ROWS_AT_ONCE:
        return place, False
    return replace(place, kind=place.kind + 1, after=None, skip=0), False
