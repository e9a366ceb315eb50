"""A memory with a bug, as a program: it answers before what it did is durable. Only a kill brings that to light."""

import asyncio
import time
from typing import Any

from memory.__main__ import main
from memory.ledger import Ledger

BEFORE_COMMIT_SECONDS = 0.01

_durable_write = Ledger.write


async def _early_write(self: Ledger, handler: Any, question: Any) -> Any:
    loop = asyncio.get_running_loop()
    told: asyncio.Future[Any] = loop.create_future()

    def early(tx: Any, same: Any) -> Any:
        answer = handler(tx, same)
        loop.call_soon_threadsafe(told.set_result, answer)
        time.sleep(BEFORE_COMMIT_SECONDS)
        return answer

    writing = asyncio.ensure_future(_durable_write(self, early, question))
    await asyncio.wait({writing, told}, return_when=asyncio.FIRST_COMPLETED)
    return told.result() if told.done() else await writing


if __name__ == "__main__":
    Ledger.write = _early_write  # type: ignore[method-assign]
    main()
