"""Everything of a user as JSON lines: page by page, at the client's pace, never more than one page in memory."""

from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.exchange import exchange_of
from gateway.faults import AnswerLate, Overloaded
from gateway.leaving import ClientGone, cut, while_wanted, write
from gateway.parts import Parts
from gateway.rendering import problem
from shared.contract.account import EXPORT, Export, ExportPage
from shared.errors import Fault

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MEDIA_TYPE = "application/x-ndjson"


class ExportStream(Response):
    """Begins with the first page, so that what fails before has its own status; what fails later is the last line."""

    media_type = MEDIA_TYPE

    def __init__(self, parts: Parts, user: str, first: ExportPage, at: datetime) -> None:
        super().__init__()
        self._parts, self._user, self._first = parts, user, first
        self._at = at.astimezone(UTC)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the end, or until the client hangs up."""
        parts = self._parts
        name = f"colloquy-{self._at:%Y-%m-%d}.ndjson"
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-disposition", f'attachment; filename="{name}"'.encode()),
            (b"x-accel-buffering", b"no"),
        ]
        parts.admission.stream_opens(self._user)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await while_wanted(self._pump(send), receive, parts.stopping, seconds=parts.settings.export_seconds)
        except ClientGone:
            log.info("export.abandoned")
        except Overloaded:
            await cut(scope)
        except Fault as fault:
            log.warning("export.failed", code=fault.code)
            late = Overloaded("The export takes too long.") if isinstance(fault, AnswerLate) else fault
            last = _line({"type": "error", "error": problem(late, exchange_of(scope).request_id)})
            await write(send, last, more=False, seconds=parts.settings.write_seconds)
        finally:
            parts.admission.stream_closed(self._user)

    async def _pump(self, send: Send) -> None:
        page, begin = self._first, {"type": "export", "version": 1, "userId": self._user, "at": self._at}
        await self._write(send, _line({**begin, "total": page.total}))
        while True:
            progress = {"type": "progress", "done": page.done, "total": page.total}
            await self._write(send, b"".join(map(_line, [*page.records, progress])))
            if page.next is None:
                break
            page = await self._parts.ask(EXPORT, Export(user=self._user, cursor=page.next))
        await self._write(send, _line({"type": "end", "done": page.done, "total": page.total}), more=False)

    async def _write(self, send: Send, body: bytes, *, more: bool = True) -> None:
        await write(send, body, more=more, seconds=self._parts.settings.write_seconds)


def _line(value: dict[str, Any]) -> bytes:
    return to_json(value) + b"\n"
