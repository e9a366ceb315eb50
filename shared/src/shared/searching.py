"""Which subjects a stream holds. For lists of what lies one subject each; nothing that happens often."""

import json
from typing import Any

from shared.asking import Asker
from shared.contract.streams import stream_of
from shared.contract.subjects import Subject
from shared.errors import Unavailable
from shared.publishing import PASSING

TIMEOUT_SECONDS = 5.0


async def subjects_of(asker: Asker, of: Subject) -> list[Subject]:
    """The subjects that match the filter. Raises Unavailable."""
    target = f"$JS.API.STREAM.INFO.{stream_of(of)}".encode()
    found: list[Subject] = []
    while True:
        question = {"subjects_filter": of, "offset": len(found)}
        page = await _asked(asker, target, question)
        some: dict[str, int] = page.get("state", {}).get("subjects") or {}
        found += map(Subject, some)
        if not some or len(found) >= page.get("total", 0):
            return found


async def _asked(asker: Asker, target: bytes, question: dict[str, Any]) -> dict[str, Any]:
    reply = await asker.ask(target, json.dumps(question).encode(), timeout=TIMEOUT_SECONDS)
    try:
        answer: dict[str, Any] = json.loads(reply.data)
    except ValueError:
        raise Unavailable from None
    error = answer.get("error")
    if error is not None:
        passing = error.get("err_code") in PASSING
        raise Unavailable(None if passing else f"NATS did not say which subjects there are: {error.get('err_code')}.")
    return answer
