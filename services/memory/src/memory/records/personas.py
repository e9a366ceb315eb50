"""Personas that users have made; the built-in ones are in `personas.toml`."""

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from memory.clock import moment
from memory.records.prepared import AnyRow, row, rows, run
from memory.tables import personas
from shared.contract.person import Persona

_p = personas.c
_OF_USER = select(personas).where(_p.user_id == bindparam("user"))
_ONE = _OF_USER.where(_p.id == bindparam("persona"))
_ALL = _OF_USER.order_by(_p.id)
_CHANGED = _OF_USER.where(_p.changed > bindparam("since")).order_by(_p.changed.desc(), _p.id.desc()).limit(bindparam("limit"))
_INSERT = insert(personas)
_CHANGE = (
    update(personas)
    .where(_p.id == bindparam("persona"))
    .values(
        name=bindparam("new_name"),
        description=bindparam("new_description"),
        system_prompt=bindparam("new_prompt"),
        greeting=bindparam("new_greeting"),
        model=bindparam("new_model"),
        temperature=bindparam("new_temperature"),
        changed=bindparam("version"),
        updated_at=bindparam("at"),
    )
)
_DELETE = delete(personas).where(_p.id == bindparam("persona"))


def _persona(row: AnyRow) -> Persona:
    return Persona(
        id=row.id,
        name=row.name,
        description=row.description,
        system_prompt=row.system_prompt,
        greeting=row.greeting,
        model=row.model,
        temperature=row.temperature,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def find(connection: Connection, user: str, persona_id: str) -> Persona | None:
    """The persona with this id, if it is this user's."""
    found = row(connection, _ONE, {"user": user, "persona": persona_id})
    return None if found is None else _persona(found)


def all_of(connection: Connection, user: str) -> list[Persona]:
    """All of this user's own, the oldest first."""
    return [_persona(row) for row in rows(connection, _ALL, {"user": user})]


def changed_since(connection: Connection, user: str, since: int, limit: int) -> list[Persona]:
    """Those that changed after this version, the last first."""
    return [_persona(row) for row in rows(connection, _CHANGED, {"user": user, "since": since, "limit": limit})]


def keep(connection: Connection, user: str, persona: Persona, version: int, at: int) -> None:
    """Stores a new one."""
    run(
        connection,
        _INSERT,
        {
            "id": persona.id,
            "user_id": user,
            "name": persona.name,
            "description": persona.description,
            "system_prompt": persona.system_prompt,
            "greeting": persona.greeting,
            "model": persona.model,
            "temperature": persona.temperature,
            "changed": version,
            "created_at": at,
            "updated_at": at,
        },
    )


def change(connection: Connection, persona: Persona, version: int, at: int) -> None:
    """Stores what can be changed of it."""
    run(
        connection,
        _CHANGE,
        {
            "persona": persona.id,
            "new_name": persona.name,
            "new_description": persona.description,
            "new_prompt": persona.system_prompt,
            "new_greeting": persona.greeting,
            "new_model": persona.model,
            "new_temperature": persona.temperature,
            "version": version,
            "at": at,
        },
    )


def drop(connection: Connection, persona_id: str) -> None:
    """Deletes it."""
    run(connection, _DELETE, {"persona": persona_id})
