"""What is shown of a note: in lists and events a long text is cut, because an event has to fit into a NATS message."""

from datetime import datetime
from typing import Any

from shared.contract.person import Note
from shared.contract.state import UpdateNote
from shared.errors import TooLarge
from shared.packing import pack

SHOWN = 16 * 1024
"""Characters of a text in lists, events, and the answers to changes. The whole is there for those who ask for one note."""

BRIEF = 1024
"""Characters of a text in the state, which has many notes and much else."""

_ENVELOPE = b" " * 16 * 1024
"""Room for what travels around a text: a longer title, tags, headers."""

_SURELY_FITS = 100 * 1024
"""Characters: at six bytes each, as JSON writes the worst of them, they fit into one NATS message as they are."""


def cut(note: Note, length: int = SHOWN) -> Note:
    """The note with no more than this of its text."""
    if len(note.text) <= length:
        return note
    return note.model_copy(update={"text": note.text[:length], "truncated": True})


def excerpt(text: str) -> str | None:
    """The beginning of a long text, to be kept beside it; None for one that is always shown whole."""
    return text[:SHOWN] if len(text) > SHOWN else None


def brief(note: Note) -> Note:
    """The note as the state shows it."""
    return cut(note, BRIEF)


def size_of(text: str, limit: int) -> int:
    """Its size in bytes. Raises TooLarge when that is above the limit, or when the text could not be handed out again."""
    size = len(text.encode())
    if size > limit:
        raise TooLarge("The text of this note is too long.", size=size, limit=limit)
    if len(text) > _SURELY_FITS:
        # What can't be compressed fits into a question but not into the somewhat longer answer.
        pack(_ENVELOPE, text.encode())
    return size


def updated(old: Note, question: UpdateNote, at: datetime, limit: int) -> Note:
    """The note as this asks for; the same one when nothing is different. Raises TooLarge."""
    given: dict[str, Any] = question.model_dump(include={"text", "title", "tags"}, exclude_none=True)
    if question.text is not None:
        given["size"] = size_of(question.text, limit)
    new = old.model_copy(update=given)
    return old if new == old else new.model_copy(update={"updated_at": at})
