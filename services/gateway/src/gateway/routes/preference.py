"""Preferences: one flat object."""

from fastapi import APIRouter
from starlette.responses import Response

from gateway.bodies import PreferenceChanges
from gateway.parameters import IdempotencyKey
from gateway.parts import Caller, Here
from gateway.replies import PreferenceValues, reply, shows
from shared.contract.state import CHANGE_PREFERENCES, GET_PREFERENCES, GetPreferences

router = APIRouter(prefix="/api/v1/preferences", tags=["preferences"])


@router.get("", responses=shows(PreferenceValues))
async def get_preferences(parts: Here, caller: Caller) -> Response:
    """What was set: `timezone`, `workHours`, `language`, `notifications`, `home`, and keys of one's own."""
    return reply((await parts.ask(GET_PREFERENCES, GetPreferences(user=caller.user))).preferences)


@router.put("", responses=shows(PreferenceValues))
async def change_preferences(body: PreferenceChanges, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Sets the given keys; null removes one, the others stay. Answers with all of them."""
    return reply((await parts.change(CHANGE_PREFERENCES, body.order(caller.user, key))).preferences)
