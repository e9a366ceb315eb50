"""Notes, and snippets of text to be used as context."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.status import HTTP_201_CREATED

from gateway.bodies import NewNote, NoteChange
from gateway.parameters import IdempotencyKey, Limit, PageCursor
from gateway.parts import Caller, Here, Parts
from gateway.replies import reply, shows
from shared.contract.person import Note, NoteKind
from shared.contract.state import (
    CREATE_NOTE,
    DELETE_NOTE,
    GET_NOTE,
    LIST_NOTES,
    UPDATE_NOTE,
    DeleteNote,
    GetNote,
    ListNotes,
    Notes,
)
from shared.errors import TooLarge
from shared.ids import Id

router = APIRouter(prefix="/api/v1/notes", tags=["notes"])


@router.get("", responses=shows(Notes))
async def list_notes(
    parts: Here,
    caller: Caller,
    limit: Limit = 50,
    cursor: PageCursor = None,
    kind: Annotated[NoteKind | None, Query()] = None,
) -> Response:
    """Newest first, all or those of one kind. A long text is cut, and `truncated` says so."""
    page = await parts.ask(LIST_NOTES, ListNotes(user=caller.user, limit=limit, cursor=cursor, kind=kind))
    return reply({**page.wire(), "next": page.next})


@router.post("", status_code=HTTP_201_CREATED, responses=shows(Note, HTTP_201_CREATED))
async def create_note(body: NewNote, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """A new note, or a snippet whose id can be one of a message's `contextIds`."""
    _check(body.text, parts)
    return reply(await parts.change(CREATE_NOTE, body.order(caller.user, key)), HTTP_201_CREATED)


@router.delete("", responses=shows(Note))
async def delete_named_note(
    note_id: Annotated[Id, Query(alias="id")], parts: Here, caller: Caller, key: IdempotencyKey = None
) -> Response:
    """Deletes the note that `id` names, and answers with what it was."""
    return await _delete(note_id, parts, caller.user, key)


@router.get("/{note_id}", responses=shows(Note))
async def get_note(note_id: Id, parts: Here, caller: Caller) -> Response:
    """One note with its whole text."""
    return reply(await parts.ask(GET_NOTE, GetNote(user=caller.user, note_id=note_id)))


@router.put("/{note_id}", responses=shows(Note))
async def change_note(note_id: Id, body: NoteChange, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Changes what is given."""
    _check(body.text or "", parts)
    return reply(await parts.change(UPDATE_NOTE, body.order(caller.user, key, note_id)))


@router.delete("/{note_id}", responses=shows(Note))
async def delete_note(note_id: Id, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Deletes a note, and answers with what it was."""
    return await _delete(note_id, parts, caller.user, key)


async def _delete(note_id: str, parts: Parts, user: str, key: str | None) -> Response:
    return reply(await parts.change(DELETE_NOTE, DeleteNote(user=user, operation_id=key, note_id=note_id)))


def _check(text: str, parts: Parts) -> None:
    if len(text.encode()) > parts.settings.note_bytes:
        raise TooLarge("The note is too long.", limit=parts.settings.note_bytes)
