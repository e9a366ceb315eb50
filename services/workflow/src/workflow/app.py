"""How the workflow service is put together."""

import os
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from shared import __version__
from shared.bus import Answer, Bus
from shared.contract import workflow as contract
from shared.contract.subjects import JOURNAL_SIGNAL
from shared.ids import new_id
from workflow.adapters.book import StreamBook
from workflow.adapters.journals import StreamJournals
from workflow.adapters.neighbours import BusMemory, BusModels, BusTools, BusWord, BusWorkflows
from workflow.adapters.post import BusPost
from workflow.arranging import Arranger
from workflow.authoring import authored
from workflow.clock import Clock
from workflow.definition import Definition, Library
from workflow.demonstration import countdown
from workflow.handlers import Handlers
from workflow.jobs.definitions import Named
from workflow.jobs.definitions import definitions as jobs
from workflow.jobs.ports import Ports
from workflow.ringing import Ringer
from workflow.scheduling import Scheduling
from workflow.settings import WorkflowSettings
from workflow.travelling import Travelling
from workflow.worker import Worker

ARRANGED_AT_ONCE = 8


@asynccontextmanager
async def application(settings: WorkflowSettings, bus: Bus, definitions: Sequence[Definition] = ()) -> AsyncGenerator[None]:
    """Answers calls and runs workflows while the context is open: the jobs, the modules of the settings, and `definitions`."""
    ports = neighbours(settings, bus)
    of_jobs = jobs(ports, Named(settings.flights_tool, settings.booking_tool, settings.calendar_tool))
    library = Library([*of_jobs, *authored(settings.modules), *definitions, *([countdown] if settings.demonstration else [])])
    journals, post, book, clock = StreamJournals(bus), BusPost(bus, new_id), StreamBook(bus), Clock()
    handlers = Handlers(library, journals, post, clock, new_id)
    scheduling = Scheduling(library, book, post, clock, settings.max_schedules)
    travelling = Travelling(handlers, ports.memory, new_id)
    arranger = Arranger(scheduling, ports.memory)
    ringer = Ringer(handlers, book, post, clock)
    name = f"{socket.gethostname()}-{os.getpid()}-{new_id('e')[-6:]}"
    worker = Worker(name, library, journals, post, clock, settings)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(bus.answer("workflow", __version__, answers(handlers, scheduling, travelling)))
        await stack.enter_async_context(bus.listen(JOURNAL_SIGNAL, contract.JournalGrew, worker.grew))
        await stack.enter_async_context(bus.work(contract.TICK, ringer.ring, ringer.bury, slots=settings.slots))
        await stack.enter_async_context(bus.work(contract.ARRANGE, arranger.arrange, arranger.bury, slots=ARRANGED_AT_ONCE))
        work = bus.work(contract.RUN, worker.wake, worker.bury, slots=settings.slots, grace=settings.grace_seconds)
        await stack.enter_async_context(work)
        yield


def neighbours(settings: WorkflowSettings, bus: Bus) -> Ports:
    """Everything that jobs ask of others, over the bus."""
    return Ports(
        models=BusModels(bus, settings.model_seconds),
        memory=BusMemory(bus),
        tools=BusTools(bus, settings.tool_seconds),
        post=BusWord(bus),
        workflows=BusWorkflows(bus),
    )


def answers(handlers: Handlers, scheduling: Scheduling, travelling: Travelling) -> list[Answer[Any, Any]]:
    """Every call of the contract, and what answers it."""
    return [
        Answer(contract.CREATE, handlers.create),
        Answer(contract.GET, handlers.get),
        Answer(contract.LIST, handlers.list_workflows),
        Answer(contract.PAUSE, handlers.pause),
        Answer(contract.RESUME, handlers.resume),
        Answer(contract.TERMINATE, handlers.terminate),
        Answer(contract.RESTART, handlers.restart),
        Answer(contract.SEND_EVENT, handlers.send_event),
        Answer(contract.FIND_FLIGHTS, travelling.find_flights),
        Answer(contract.SELECT_FLIGHT, travelling.select_flight),
        Answer(contract.PUT_SCHEDULE, scheduling.put),
        Answer(contract.DROP_SCHEDULE, scheduling.drop),
        Answer(contract.LIST_SCHEDULES, scheduling.list_schedules),
    ]
