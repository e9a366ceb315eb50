"""Calls of tools for work in the background: what may be called without a person, and what only after one has agreed."""

from types import SimpleNamespace

import pytest

from inference.tools.desk import Desk
from inference.tools.offer import Offer, Offered
from shared.contract.acting import CallTool
from shared.contract.tools import Tool
from shared.errors import ToolRefused, UnknownTool

TOOLS = [
    Tool(name="read"),
    Tool(name="book", policy="ask", heavy=True),
    Tool(name="search", heavy=True),
    Tool(name="never", policy="never"),
]


@pytest.fixture
def desk():
    async def offer(user, preferences, wanted=()):
        return Offer(Offered(tool, tool.name) for tool in TOOLS)

    async def call(user, offered, arguments, key):
        return f"{offered.tool.name} {key}"

    async def preferences(user):
        return {}

    return Desk(SimpleNamespace(offer=offer, call=call), preferences, slots=2)


def order(name, **more):
    return CallTool(user="ana", name=name, key="k", **more)


async def test_m080_work_in_the_background_calls_what_needs_no_leave(desk):
    assert (await desk.call(order("read", warm_only=True))).result == "read k"
    assert (await desk.call(order("search"))).result == "search k"
    for refused in (order("search", warm_only=True), order("book"), order("book", warm_only=True, approved=True)):
        with pytest.raises(ToolRefused):
            await desk.call(refused)


async def test_m083_a_call_that_the_person_has_agreed_to_elsewhere_is_made(desk):
    assert (await desk.call(order("book", approved=True))).result == "book k"
    with pytest.raises(UnknownTool):
        await desk.call(order("never", approved=True))
