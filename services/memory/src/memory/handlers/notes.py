"""Notes and snippets. `add` is also what an answer does that asks for it: within its transaction, and once with it."""

from memory import note as rules
from memory.handlers.reading import Snapshot
from memory.handlers.repetition import change_once
from memory.note import cut, size_of
from memory.paging import bounded, object_cursor, parse_object_cursor, within
from memory.records import notes
from memory.transaction import Transaction
from shared.contract.changes import NoteCreated, NoteDeleted, NoteUpdated
from shared.contract.person import Note
from shared.contract.state import CreateNote, DeleteNote, GetNote, ListNotes, Notes, UpdateNote
from shared.errors import LimitReached


def create_note(tx: Transaction, question: CreateNote) -> Note:
    """Makes a note."""
    return change_once(tx, "create_note", question, Note, lambda: add(tx, question))


def add(tx: Transaction, question: CreateNote, generation_id: str | None = None) -> Note:
    """The same without regard to repetition, for the answer that asked for it. A long text comes back cut."""
    _refuse_more(tx, question.user)
    note = Note(
        id=tx.id("n"),
        title=question.title,
        text=question.text,
        kind=question.kind,
        tags=question.tags,
        size=size_of(question.text, tx.limits.note_bytes),
        generation_id=generation_id,
        created_at=tx.at,
        updated_at=tx.at,
    )
    notes.keep(tx.connection, question.user, note, tx.version(question.user))
    tx.tell_state(question.user, "notes", NoteCreated(**tx.stamp(question.user), note=cut(note)))
    return cut(note)


def _refuse_more(tx: Transaction, user: str) -> None:
    limit = tx.limits.notes
    if notes.count(tx.connection, user) >= limit:
        raise LimitReached(f"There are {limit} notes, as many as one may have; delete some first.", limit=limit)


def update_note(tx: Transaction, question: UpdateNote) -> Note:
    """Changes what is given of a note."""
    return change_once(tx, "update_note", question, Note, lambda: _update(tx, question))


def _update(tx: Transaction, question: UpdateNote) -> Note:
    old = notes.get(tx.connection, question.user, question.note_id)
    new = rules.updated(old, question, tx.at, tx.limits.note_bytes)
    if new is not old:
        notes.change(tx.connection, new, tx.version(question.user))
        tx.tell_state(question.user, "notes", NoteUpdated(**tx.stamp(question.user), note=cut(new)))
    return cut(new)


def delete_note(tx: Transaction, question: DeleteNote) -> Note:
    """Deletes a note."""
    return change_once(tx, "delete_note", question, Note, lambda: _delete(tx, question))


def _delete(tx: Transaction, question: DeleteNote) -> Note:
    note = cut(notes.get(tx.connection, question.user, question.note_id))
    notes.drop(tx.connection, note.id)
    tx.remove(question.user, "notes", note.id)
    tx.tell_state(question.user, "notes", NoteDeleted(**tx.stamp(question.user), note=note))
    return note


def get_note(view: Snapshot, question: GetNote) -> Note:
    """One note with its whole text."""
    return notes.get(view.connection, question.user, question.note_id)


def list_notes(view: Snapshot, question: ListNotes) -> Notes:
    """A page of notes, the newest first."""
    limit, after = bounded(question.limit), parse_object_cursor(question.cursor)
    found = notes.page(view.connection, question.user, question.kind, after, limit + 1)
    page = within(found[:limit], view.limits.page_bytes)
    return Notes(notes=page, next=object_cursor(page[-1].id) if len(page) < len(found) else None)
