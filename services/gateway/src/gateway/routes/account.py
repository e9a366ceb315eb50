"""A whole account: taken along, or erased."""

import asyncio
import time
from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.responses import Response

from gateway.exporting import MEDIA_TYPE, ExportStream
from gateway.identity import forgotten_cookies
from gateway.parts import Caller, Here, Parts
from gateway.replies import AccountErased, Shown, reply, shows
from shared.contract.account import ERASE_ACCOUNT, EXPORT, EraseAccount, Erased, Export
from shared.errors import BeingErased, Busy, Unavailable

router = APIRouter(prefix="/api/v1", tags=["account"])

LINES: Shown = {
    200: {
        "description": "One JSON object a line: `export`, the records with `progress` in between, and `end` or `error`.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}

TURN_SECONDS = 30.0
"""How long one question waits. Who dies over it never answers, and another goes on with the erasure about then."""


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
    erased = await _erased(parts, caller.user)
    parts.dismiss(caller.user)
    answer = reply({"erased": erased.counts})
    for cookie in forgotten_cookies():
        answer.headers.append("set-cookie", cookie)
    return answer


async def _erased(parts: Parts, user: str) -> Erased:
    """Asks until it is done, in turns: what was begun by this call goes on, whoever dies meanwhile. Raises Busy."""
    over = time.monotonic() + parts.settings.erase_seconds
    begun = False
    while True:
        seconds = min(TURN_SECONDS, over - time.monotonic())
        try:
            return await parts.ask(ERASE_ACCOUNT, EraseAccount(user=user), seconds=seconds)
        except (Unavailable, BeingErased) as busy:
            begun = begun or isinstance(busy, Unavailable)
            await _wait(busy, over, parts, again=begun)


async def _wait(busy: Busy, over: float, parts: Parts, *, again: bool) -> None:
    """Until one may ask again. Raises the fault when nobody may."""
    if not again or parts.stopping.is_set() or time.monotonic() + busy.retry_after >= over:
        raise busy
    await asyncio.sleep(busy.retry_after)
