"""A whole account: taken along, or erased."""

from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.responses import Response

from gateway.exporting import MEDIA_TYPE, ExportStream
from gateway.identity import forgotten_cookies
from gateway.parts import Caller, Here
from gateway.replies import AccountErased, Shown, reply, shows
from shared.contract.account import ERASE_ACCOUNT, EXPORT, EraseAccount, Export

router = APIRouter(prefix="/api/v1", tags=["account"])

LINES: Shown = {
    200: {
        "description": "One JSON object a line: `export`, the records with `progress` in between, and `end` or `error`.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


@router.get("/export", response_class=Response, responses=LINES)
async def export(parts: Here, caller: Caller) -> Response:
    """Everything that is kept of the caller, as JSON lines. It is whole when its last line is of type `end`."""
    parts.must_be_open()
    first = await parts.ask(EXPORT, Export(user=caller.user))
    return ExportStream(parts, caller.user, first, datetime.now(UTC))


@router.delete("/account", responses=shows(AccountErased))
async def erase(parts: Here, caller: Caller) -> Response:
    """Deletes everything of the caller, everywhere, and ends the open streams. Saying it twice does no harm."""
    parts.must_be_open()
    order = EraseAccount(user=caller.user)
    erased = await parts.ask(ERASE_ACCOUNT, order, seconds=parts.settings.erase_seconds)
    parts.dismiss(caller.user)
    answer = reply({"erased": erased.counts})
    for cookie in forgotten_cookies():
        answer.headers.append("set-cookie", cookie)
    return answer
