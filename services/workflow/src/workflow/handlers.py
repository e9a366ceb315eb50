"""The calls: each reads a journal, has a pure function decide, and writes what that says."""

import asyncio
import random
import re
from collections.abc import Callable
from datetime import datetime
from functools import partial

from shared.contract.journal import JournalPage, Line, Tick, WorkflowCreated
from shared.contract.workflow import (
    CreatedWorkflow,
    CreateWorkflow,
    GetWorkflow,
    ListWorkflows,
    OfWorkflow,
    PauseWorkflow,
    RestartWorkflow,
    ResumeWorkflow,
    SendWorkflowEvent,
    TerminateWorkflow,
    Wake,
    WorkflowNow,
    Workflows,
    WorkflowState,
)
from shared.errors import Busy, Invalid, Unavailable, UnknownWorkflow, WorkflowExists
from shared.ids import NewId
from workflow import commands
from workflow.clock import Clock
from workflow.definition import Library
from workflow.failure import NonRetryable
from workflow.history import History
from workflow.listing import listed
from workflow.plain import plain
from workflow.ports import FromTheFuture, Journals, Overtaken, Post
from workflow.view import state_of

PATIENCE_SECONDS = 4.0
"""Others may write between reading and writing, but not for ever."""

MOST_PAUSE_SECONDS = 0.1

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Decide = Callable[[History, datetime], list[Line]]


class Handlers:
    """Answers calls about workflows. Any process may; none of them keeps anything."""

    def __init__(self, library: Library, journals: Journals, post: Post, clock: Clock, new_id: NewId) -> None:
        self._library, self._journals, self._post, self._clock, self._new_id = library, journals, post, clock, new_id

    async def create(self, question: CreateWorkflow) -> CreatedWorkflow:
        """Raises UnknownWorkflowType, Invalid, WorkflowExists."""
        workflow_id = question.id or self._new_id("w")
        if not ID.fullmatch(workflow_id):
            raise Invalid(fields=["id"])
        await self.begin(question, workflow_id, None)
        return CreatedWorkflow(id=workflow_id)

    async def begin(self, question: CreateWorkflow, workflow_id: str, tick: Tick | None) -> None:
        """Raises the same."""
        definition = self._library.need(question.type, operator=question.operator)
        definition.read(question.params)
        now = self._clock.now()
        params = _json(question.params, "What it is given")
        created = WorkflowCreated(at=now, version=definition.version, params=params, tick=tick)
        page = JournalPage(
            id=self._new_id("e"),
            user=question.user,
            workflow_id=workflow_id,
            type=question.type,
            status="queued",
            created_at=now,
            lines=[created],
        )
        if not await self._write(page, 0, wake=True):
            raise WorkflowExists

    async def get(self, question: GetWorkflow) -> WorkflowState:
        """Raises UnknownWorkflow."""
        return state_of(await self._history(question))

    async def list_workflows(self, question: ListWorkflows) -> Workflows:
        """The workflows of this user."""
        return listed(await self._journals.newest(question.user), question)

    async def pause(self, question: PauseWorkflow) -> WorkflowNow:
        """Raises UnknownWorkflow, WorkflowEnded."""
        return await self._command(question, commands.pause, wake=False)

    async def resume(self, question: ResumeWorkflow) -> WorkflowNow:
        """Raises UnknownWorkflow, WorkflowEnded."""
        return await self._command(question, commands.resume, wake=True)

    async def terminate(self, question: TerminateWorkflow) -> WorkflowNow:
        """Raises UnknownWorkflow, WorkflowEnded."""
        return await self._command(question, commands.terminate, wake=True)

    async def restart(self, question: RestartWorkflow) -> WorkflowNow:
        """Raises UnknownWorkflow, UnknownStep."""
        return await self._command(question, partial(commands.restart, question), wake=True)

    async def send_event(self, question: SendWorkflowEvent) -> WorkflowNow:
        """Raises UnknownWorkflow, WorkflowEnded, LimitReached, Invalid."""
        _json(question.payload, "The payload")
        event_id = question.event_id or self._new_id("e")
        return await self._command(question, partial(commands.send_event, question, event_id), wake=True)

    async def _command(self, question: OfWorkflow, decide: Decide, *, wake: bool) -> WorkflowNow:
        """`wake`: whether it may have something to do then. Who runs it now hears of it in any case."""
        deadline, pause = asyncio.get_running_loop().time() + PATIENCE_SECONDS, 0.002
        while asyncio.get_running_loop().time() < deadline:
            history = await self._history(question)
            lines = decide(history, self._clock.now())
            status = history.status_with(lines)
            if await self._record(history, lines, wake=wake and not await self._is_held(history)):
                return WorkflowNow(id=question.workflow_id, status=status)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            pause = min(pause * 2, MOST_PAUSE_SECONDS)
        raise Busy

    async def _record(self, history: History, lines: list[Line], *, wake: bool) -> bool:
        """Whether it is recorded. What was recorded before is told again: whoever did it may have died before telling."""
        head, last = history.head, history.last_page
        assert head is not None and last is not None  # noqa: S101, PT018 - callers have looked
        if lines:
            page = head.model_copy(update={"id": self._new_id("e"), "status": history.status_with(lines), "lines": lines})
            return await self._write(page, history.sequence, wake=wake)
        if wake:
            await self._post.wake(Wake(user=head.user, workflow_id=head.workflow_id))
        await self._post.tell(last, history.sequence)
        return True

    async def _write(self, page: JournalPage, expect: int, *, wake: bool) -> bool:
        """Sends the order together with the page, so that there can't be one without the other. False: overtaken."""
        order = Wake(user=page.user, workflow_id=page.workflow_id, beyond=expect)
        woken = self._post.wake(order) if wake else None
        try:
            sequence, _ = await self._journals.append(page, expect)
        except Overtaken:
            return False
        finally:
            if woken is not None:
                await woken
        await self._post.tell(page, sequence)
        await self._post.grew(page.user, page.workflow_id)
        return True

    async def _history(self, question: OfWorkflow) -> History:
        history = History()
        try:
            pages = await self._journals.read(question.user, question.workflow_id, 0)
        except FromTheFuture:
            raise Unavailable("A newer version of the service runs this workflow.") from None
        for sequence, page, size in pages:
            history.apply(sequence, page, size)
        if history.created is None:
            raise UnknownWorkflow
        return history

    async def _is_held(self, history: History) -> bool:
        """Whether somebody runs it, and will see what is recorded now."""
        head, holder = history.head, history.standing.holder
        if head is None or holder is None:
            return False
        return await self._post.is_pending(head.user, head.workflow_id, holder.order)


def _json(value: object, what: str) -> object:
    try:
        return plain(value, what)
    except NonRetryable as error:
        raise Invalid(str(error)) from None
