"""How tests ask the workflow service, and wait for what it comes to."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from shared.bus import Bus
from shared.contract import workflow as contract
from shared.contract.workflow import (
    CreateWorkflow,
    GetWorkflow,
    ListWorkflows,
    PauseWorkflow,
    RestartWorkflow,
    ResumeWorkflow,
    SendWorkflowEvent,
    TerminateWorkflow,
    WorkflowState,
)
from shared.errors import Unavailable, WorkflowExists

A = TypeVar("A")

LONG = 40.0
"""A slow machine is not a fault."""

ENDED = ("completed", "failed", "terminated")


class Caller:
    """One user's view of the service."""

    def __init__(self, bus: Bus, user: str = "ana", patience: float = LONG) -> None:
        self.bus, self.user, self.patience = bus, user, patience

    async def create(self, kind: str, params: Any = None, workflow_id: str | None = None) -> str:
        question = CreateWorkflow(user=self.user, type=kind, params=params, id=workflow_id)
        return (await self.bus.ask(contract.CREATE, question, timeout=self.patience)).id

    async def surely(self, ask: Callable[[], Awaitable[A]]) -> A:
        """Asks until there is an answer: whoever was asked may have been killed."""
        while True:
            with suppress(Unavailable):
                return await ask()

    async def create_surely(self, kind: str, params: Any, workflow_id: str) -> str:
        """The same for a workflow to be created: it may have been, though nobody said so."""
        with suppress(WorkflowExists):
            await self.surely(lambda: self.create(kind, params, workflow_id))
        return workflow_id

    async def get(self, workflow_id: str) -> WorkflowState:
        return await self.bus.ask(contract.GET, GetWorkflow(user=self.user, workflow_id=workflow_id), timeout=self.patience)

    async def list(self, **filters: Any):
        return await self.bus.ask(contract.LIST, ListWorkflows(user=self.user, **filters), timeout=self.patience)

    async def pause(self, workflow_id: str) -> str:
        return await self._now(contract.PAUSE, PauseWorkflow(user=self.user, workflow_id=workflow_id))

    async def resume(self, workflow_id: str) -> str:
        return await self._now(contract.RESUME, ResumeWorkflow(user=self.user, workflow_id=workflow_id))

    async def terminate(self, workflow_id: str) -> str:
        return await self._now(contract.TERMINATE, TerminateWorkflow(user=self.user, workflow_id=workflow_id))

    async def restart(self, workflow_id: str, from_step: str | None = None) -> str:
        question = RestartWorkflow(user=self.user, workflow_id=workflow_id, from_step=from_step)
        return await self._now(contract.RESTART, question)

    async def send(self, workflow_id: str, kind: str, payload: Any = None, event_id: str | None = None) -> str:
        question = SendWorkflowEvent(user=self.user, workflow_id=workflow_id, type=kind, payload=payload, event_id=event_id)
        return await self._now(contract.SEND_EVENT, question)

    async def until(self, workflow_id: str, *statuses: str) -> WorkflowState:
        """The workflow, once it has one of these statuses."""
        return await self.until_that(workflow_id, lambda state: state.status in statuses)

    async def until_that(self, workflow_id: str, is_so: Callable[[WorkflowState], bool]) -> WorkflowState:
        """The workflow, once it is so."""
        state = None
        try:
            async with asyncio.timeout(LONG):
                while not is_so(state := await self.surely(lambda: self.get(workflow_id))):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"It is still {state}") from None
        return state

    async def until_so(self, look: Callable[[], Awaitable[A]], is_so: Callable[[A], bool]) -> A:
        """What there is to see, once it is so."""
        async with asyncio.timeout(LONG):
            while not is_so(seen := await look()):
                await asyncio.sleep(0.02)
        return seen

    async def result(self, workflow_id: str) -> Any:
        """What it has come to."""
        state = await self.until(workflow_id, *ENDED)
        assert state.status == "completed", state
        return state.output

    async def _now(self, call: Any, question: Any) -> str:
        return (await self.bus.ask(call, question, timeout=self.patience)).status


class Process:
    """A worker process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, url: str, log: Path, **more: str) -> "Process":
        """Starts one; `more` is of its environment."""
        script = Path(__file__).with_name("worker_process.py")
        environment = {"NATS_URL": url, "LOG_LEVEL": "info", "WORKFLOW_SLOTS": "1000", **more}
        with log.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable, script, env=environment, stderr=file, start_new_session=True
            )
        return cls(process)

    async def kill(self) -> None:
        """Kill -9."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
