"""Inference and memory as jobs meet them: a model that is told what to say, and notes that are kept once for each key."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from shared.bus import Answer, Bus
from shared.contract import state
from shared.contract.inference import COMPLETE, Complete, Completion
from shared.contract.person import CalendarEvent, Note, Plan, Task
from shared.errors import Fault, IdempotencyMismatch

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
Says = Callable[[Complete], str | Fault]


class Neighbours:
    """What they were asked, and what they answer."""

    def __init__(self) -> None:
        self.asked: list[Complete] = []
        self.says: Says = lambda question: '["first", "second"]' if question.form == "list" else f"did {last(question)}"
        self.kind: Any = "openai"
        self.open = asyncio.Event()
        self.hold: str | None = None
        """What the model thinks about until `open` is set."""
        self.notes: dict[str | None, tuple[state.CreateNote, Note]] = {}
        self.refusal: Fault | None = None
        self.preferences: dict[str, Any] = {}
        self.tasks: list[Task] = []
        self.events: list[CalendarEvent] = []
        self.event_questions: list[state.ListEvents] = []
        self.plans: list[state.PutPlan] = []

    async def complete(self, question: Complete) -> Completion:
        self.asked.append(question)
        if last(question) == self.hold:
            await self.open.wait()
        said = self.says(question)
        if isinstance(said, Fault):
            raise said
        return Completion(text=said, model="m", kind=self.kind, finish_reason="stop")

    async def create_note(self, order: state.CreateNote) -> Note:
        if self.refusal is not None:
            raise self.refusal
        known, note = self.notes.setdefault(order.operation_id, (order, note_of(order, f"n_{len(self.notes)}")))
        if known != order:
            raise IdempotencyMismatch
        return note

    async def get_preferences(self, _: state.GetPreferences) -> state.Preferences:
        return state.Preferences(preferences=self.preferences)

    async def list_tasks(self, question: state.ListTasks) -> state.Tasks:
        begin = int(question.cursor or 0)
        following = begin + 2
        return state.Tasks(tasks=self.tasks[begin:following], next=str(following) if following < len(self.tasks) else None)

    async def list_events(self, question: state.ListEvents) -> state.CalendarEvents:
        self.event_questions.append(question)
        return state.CalendarEvents(events=self.events)

    async def put_plan(self, order: state.PutPlan) -> Plan:
        self.plans.append(order)
        return Plan(date=order.date)

    async def get_state(self, question: state.GetState) -> state.State:
        return state.State(
            user_id=question.user,
            version=1,
            conversations=[],
            messages=[],
            tasks=self.tasks,
            active_sessions=[],
            last_snapshot_ts=AT,
        )

    def answers(self) -> list[Answer[Any, Any]]:
        return [
            Answer(state.CREATE_NOTE, self.create_note),
            Answer(state.GET_PREFERENCES, self.get_preferences),
            Answer(state.LIST_TASKS, self.list_tasks),
            Answer(state.LIST_EVENTS, self.list_events),
            Answer(state.PUT_PLAN, self.put_plan),
            Answer(state.GET_STATE, self.get_state),
        ]


def last(question: Complete) -> str:
    """The newest thing that was said to the model."""
    return question.messages[-1].text


def note_of(order: state.CreateNote, note_id: str) -> Note:
    return Note(id=note_id, title=order.title, text=order.text, size=len(order.text), created_at=AT, updated_at=AT)


def new_task(title: str, **fields: Any) -> Task:
    return Task(**{"id": f"t_{title}", "title": title, "status": "open", "created_at": AT, "updated_at": AT, **fields})


@asynccontextmanager
async def neighbours(memory: Bus, inference: Bus) -> AsyncGenerator[Neighbours]:
    """They answer while the context is open."""
    double = Neighbours()
    answered = [Answer(COMPLETE, double.complete)]
    async with memory.answer("memory", "0", double.answers()), inference.answer("inference", "0", answered):
        try:
            yield double
        finally:
            double.open.set()
