"""Reading a journal that is about to grow: an order and the page that it is about are sent together, to two streams."""

import asyncio

from shared.contract.journal import JournalPage
from shared.contract.workflow import Wake
from workflow.ports import Journals

PAUSES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.0, 1.0)
"""Nobody says when the page is there. If it does not come, whoever wanted to write it was refused, or has died."""


async def arrived(journals: Journals, order: Wake) -> list[tuple[int, JournalPage, int]]:
    """All pages, with the one that the order is about, if it comes. Raises FromTheFuture, Unavailable."""
    pages = await journals.read(order.user, order.workflow_id, 0)
    for pause in PAUSES:
        if (pages[-1][0] if pages else 0) > order.beyond:
            break
        await asyncio.sleep(pause)
        pages = await journals.read(order.user, order.workflow_id, 0)
    return pages
