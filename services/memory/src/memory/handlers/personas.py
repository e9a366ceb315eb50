"""Personas of users' own."""

from memory.handlers.reading import Snapshot
from memory.handlers.repetition import change_once
from memory.persona import built_in
from memory.records import personas
from memory.transaction import Transaction
from shared.contract.changes import PersonaCreated, PersonaDeleted, PersonaUpdated
from shared.contract.memory import Done
from shared.contract.person import Persona
from shared.contract.state import DeletePersona, KeepPersona, ListPersonas, Personas
from shared.errors import BuiltIn, LimitReached, UnknownPersona


def list_personas(view: Snapshot, question: ListPersonas) -> Personas:
    """The built-in ones, then this user's own."""
    return Personas(personas=[*built_in().values(), *personas.all_of(view.connection, question.user)])


def keep_persona(tx: Transaction, question: KeepPersona) -> Persona:
    """Makes or changes a persona of one's own."""
    keep = _make if question.persona_id is None else _change
    return change_once(tx, "keep_persona", question, Persona, lambda: keep(tx, question))


def _make(tx: Transaction, question: KeepPersona) -> Persona:
    fields = question.model_dump(exclude={"user", "operation_id", "persona_id"})
    persona = Persona(id=tx.id("p"), **fields, created_at=tx.at, updated_at=tx.at)
    _refuse_too_many(tx, question.user, persona)
    personas.keep(tx.connection, question.user, persona, tx.version(question.user), tx.micros)
    tx.tell_state(question.user, "personas", PersonaCreated(**tx.stamp(question.user), persona=persona))
    return persona


def _change(tx: Transaction, question: KeepPersona) -> Persona:
    user = question.user
    old = _own(tx, user, question.persona_id or "")
    new = old.model_copy(update=question.model_dump(exclude={"user", "operation_id", "persona_id"}))
    if new == old:
        return old
    new = new.model_copy(update={"updated_at": tx.at})
    _refuse_too_many(tx, user, new)
    personas.change(tx.connection, new, tx.version(user), tx.micros)
    tx.tell_state(user, "personas", PersonaUpdated(**tx.stamp(user), persona=new))
    return new


def _refuse_too_many(tx: Transaction, user: str, new: Persona) -> None:
    """They are always shown all together, so there is also a limit to how long they are together."""
    all_then = [*(one for one in personas.all_of(tx.connection, user) if one.id != new.id), new]
    limit, most = tx.limits.personas, tx.limits.personas_bytes
    if len(all_then) > limit:
        raise LimitReached(f"There are {limit} personas, as many as one may have; delete some first.", limit=limit)
    if sum(len(one.encode()) for one in all_then) > most:
        raise LimitReached("These personas are too long together; shorten or delete some first.", limit=most)


def _own(tx: Transaction, user: str, persona_id: str) -> Persona:
    if persona_id in built_in():
        raise BuiltIn
    found = personas.find(tx.connection, user, persona_id)
    if found is None:
        raise UnknownPersona
    return found


def delete_persona(tx: Transaction, question: DeletePersona) -> Done:
    """Deletes a persona of one's own."""
    return change_once(tx, "delete_persona", question, Done, lambda: _delete(tx, question))


def _delete(tx: Transaction, question: DeletePersona) -> Done:
    persona = _own(tx, question.user, question.persona_id)
    personas.drop(tx.connection, persona.id)
    tx.remove(question.user, "personas", persona.id)
    tx.tell_state(question.user, "personas", PersonaDeleted(**tx.stamp(question.user), persona=persona))
    return Done()
