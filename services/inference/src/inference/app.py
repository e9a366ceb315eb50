"""How inference is put together."""

import os
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from inference.adapters.assembled import models_of
from inference.adapters.built_in_tools import BuiltInTools
from inference.adapters.mcp.pool import Limits, pool
from inference.adapters.memory import BusMemory
from inference.adapters.openai_compatible import client_of
from inference.adapters.toolbox import Toolbox
from inference.attempt import Surroundings
from inference.charging import Charger
from inference.completing import Completer
from inference.configured import catalogue_of
from inference.digest import Digester
from inference.guard import Deadlines
from inference.lines import Clock
from inference.pacer import Pacer
from inference.settings import InferenceSettings
from inference.tools.builtin import built_in
from inference.tools.desk import Desk
from inference.tools.servers import settings_of
from inference.worker import Worker
from shared import __version__
from shared.bus import Answer, Bus
from shared.contract.acting import CALL_TOOL, LIST_TOOLS
from shared.contract.inference import COMPLETE, DIGEST, GENERATE, LIST_MODELS, StopNow
from shared.contract.subjects import every_stop_signal


@asynccontextmanager
async def application(settings: InferenceSettings, bus: Bus) -> AsyncGenerator[None]:
    """Takes orders to generate while the context is open. Raises Invalid when the settings contradict each other."""
    async with AsyncExitStack() as stack:
        catalogue = catalogue_of(settings)
        models = models_of(catalogue, settings, await stack.enter_async_context(client_of(settings)), os.environ)
        memory, name = BusMemory(bus), f"{socket.gethostname()}-{os.getpid()}"
        tools = await stack.enter_async_context(_tools(settings, bus))
        around = Surroundings(memory, memory, tools, bus, Pacer(), Clock(), settings.tool_rounds, settings.ask_after_untrusted)
        charger = Charger(memory)
        worker = Worker(settings, name, models, around)
        digester = Digester(memory, models, name, charger)
        deadlines = Deadlines(settings.first_token_seconds, settings.idle_seconds, settings.total_seconds)
        completer = Completer(models, charger, deadlines, settings.complete_slots, settings.max_output_chars)
        await stack.enter_async_context(charger.telling(catalogue.rates()))
        desk = Desk(tools, memory.preferences, settings.tool_slots)
        answers = [
            Answer(LIST_MODELS, models.list),
            Answer(COMPLETE, completer.complete),
            Answer(LIST_TOOLS, desk.list),
            Answer(CALL_TOOL, desk.call),
        ]
        await stack.enter_async_context(bus.answer("inference", __version__, answers))
        await stack.enter_async_context(completer.until_leaving())
        await stack.enter_async_context(desk.until_leaving())
        await stack.enter_async_context(bus.listen(every_stop_signal(), StopNow, worker.stop))
        await stack.enter_async_context(bus.work(DIGEST, digester.make, digester.dead, slots=settings.digest_slots))
        await stack.enter_async_context(bus.work(GENERATE, worker.generate, worker.abandon, slots=settings.slots))
        yield


@asynccontextmanager
async def _tools(settings: InferenceSettings, bus: Bus) -> AsyncGenerator[Toolbox]:
    """Every tool that models and workflows may have called. Raises Invalid."""
    said = settings_of(settings.tool_servers.get_secret_value())
    hosts = frozenset(host.strip().lower() for host in settings.user_tool_hosts.split(",") if host.strip())
    limits = Limits(settings.tool_list_seconds, settings.user_tool_servers if settings.tools else 0, hosts)
    own = built_in(said.policies, settings.tool_seconds) if settings.tools else []
    async with pool(said.servers if settings.tools else {}, limits) as servers:
        yield Toolbox(own, BuiltInTools(bus), servers)
