"""Personas: who answers."""

from fastapi import APIRouter
from starlette.responses import Response
from starlette.status import HTTP_201_CREATED

from gateway.bodies import OwnPersona
from gateway.parameters import IdempotencyKey
from gateway.parts import Caller, Here
from gateway.replies import PersonaList, reply, shows
from shared.contract.person import Persona
from shared.contract.state import DELETE_PERSONA, KEEP_PERSONA, LIST_PERSONAS, DeletePersona, ListPersonas
from shared.ids import Id

router = APIRouter(prefix="/api/v1/personas", tags=["personas"])


@router.get("", responses=shows(PersonaList))
async def list_personas(parts: Here, caller: Caller) -> Response:
    """The built-in ones, then one's own."""
    known = await parts.ask(LIST_PERSONAS, ListPersonas(user=caller.user))
    return reply({**known.wire(), "next": None})


@router.post("", status_code=HTTP_201_CREATED, responses=shows(Persona, HTTP_201_CREATED))
async def create_persona(body: OwnPersona, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """A persona of one's own. Its id is what a message's `persona` names."""
    return reply(await parts.change(KEEP_PERSONA, body.order(caller.user, key)), HTTP_201_CREATED)


@router.put("/{persona_id}", responses=shows(Persona))
async def replace_persona(
    persona_id: Id, body: OwnPersona, parts: Here, caller: Caller, key: IdempotencyKey = None
) -> Response:
    """Puts this in place of what the persona was. Built-in ones can't be changed."""
    return reply(await parts.change(KEEP_PERSONA, body.order(caller.user, key, persona_id)))


@router.delete("/{persona_id}", status_code=204)
async def delete_persona(persona_id: Id, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Deletes a persona; conversations that have it go on with the all-round assistant."""
    await parts.change(DELETE_PERSONA, DeletePersona(user=caller.user, operation_id=key, persona_id=persona_id))
    return Response(status_code=204)
