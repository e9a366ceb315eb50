"""Inference and memory as jobs meet them: a model that is told what to say, and notes that are kept once for each key."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from shared.bus import Answer, Bus
from shared.contract import account, knowledge, memory, state, travel
from shared.contract.acting import CALL_TOOL, LIST_TOOLS, CallTool, ListTools, ToolAnswer, Tools
from shared.contract.inference import COMPLETE, Complete, Completion
from shared.contract.objects import ChatMessage, Conversation, PromptMessage
from shared.contract.person import CalendarEvent, Note, Plan, Task
from shared.contract.tools import Tool
from shared.contract.trip import Trip
from shared.errors import Fault, FlightChosen, IdempotencyMismatch, UnknownConversation, UnknownEvent, UnknownTrip, WarmOnly

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
        self.of: dict[str, dict[str, Any]] = {}
        """Preferences of others than everybody."""
        self.tools: list[Tool] = []
        self.calls: list[CallTool] = []
        self.does: Callable[[CallTool], Any] = lambda _: "done"
        self.trips: dict[str, Trip] = {}
        self.new_tasks: dict[str | None, state.CreateTask] = {}
        self.conversations: list[Conversation] = []
        self.outputs: dict[str | None, account.StoreOutput] = {}
        self.messages: list[ChatMessage] = []
        self.digests: list[knowledge.StoreDigest] = []
        self.operations: set[str | None] = set()

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

    async def get_preferences(self, question: state.GetPreferences) -> state.Preferences:
        return state.Preferences(preferences=self.of.get(question.user, self.preferences))

    # --- tools ---------------------------------------------------------------------------------------------------------

    async def list_tools(self, _: ListTools) -> Tools:
        return Tools(tools=self.tools)

    async def call_tool(self, question: CallTool) -> ToolAnswer:
        tool = next(tool for tool in self.tools if tool.name == question.name)
        if tool.heavy and question.warm_only:
            raise WarmOnly
        self.calls.append(question)
        result = self.does(question)
        if isinstance(result, Fault):
            raise result
        return result if isinstance(result, ToolAnswer) else ToolAnswer(status="completed", result=result)

    # --- travel --------------------------------------------------------------------------------------------------------

    async def keep_trip(self, order: travel.KeepTrip) -> Trip:
        fields = {name: getattr(order, name) for name in travel.KeepTrip.model_fields if name not in ("user", "operation_id")}
        trip = Trip(id=order.workflow_id, **fields, created_at=AT, updated_at=AT)
        self.trips[trip.id] = trip
        return trip

    async def get_trip(self, question: travel.GetTrip) -> Trip:
        if question.workflow_id not in self.trips:
            raise UnknownTrip
        return self.trips[question.workflow_id]

    async def list_trips(self, _: travel.ListTrips) -> travel.Trips:
        return travel.Trips(trips=list(self.trips.values()))

    async def choose_flight(self, order: travel.ChooseFlight) -> Trip:
        trip = await self.get_trip(travel.GetTrip(user=order.user, workflow_id=order.workflow_id))
        wanted = (order.flight_id, order.booking_workflow_id)
        if trip.status in ("selected", "booked") and (trip.selected_flight_id, trip.booking_workflow_id) != wanted:
            raise FlightChosen
        chosen = {"status": "selected", "selected_flight_id": wanted[0], "booking_workflow_id": wanted[1]}
        self.trips[trip.id] = trip.model_copy(update=chosen)
        return self.trips[trip.id]

    async def settle_trip(self, order: travel.SettleTrip) -> Trip:
        changes = {"status": order.status, "confirmation": order.confirmation, "problem": order.problem}
        self.trips[order.workflow_id] = self.trips[order.workflow_id].model_copy(update=changes)
        return self.trips[order.workflow_id]

    async def create_task(self, order: state.CreateTask) -> Task:
        if self.refusal is not None:
            raise self.refusal
        self.new_tasks.setdefault(order.operation_id, order)
        return new_task(order.title, due=order.due)

    # --- the calendar --------------------------------------------------------------------------------------------------

    async def keep_event(self, order: state.KeepEvent) -> state.KeptEvent:
        self.operations.add(order.operation_id)
        names = ("title", "start", "end", "description", "location", "external_id")
        fields = {name: getattr(order, name) for name in names}
        new = CalendarEvent(id=f"ev_{order.external_id}", **fields, created_at=AT, updated_at=AT)
        self.events = [event for event in self.events if event.external_id != order.external_id] + [new]
        return state.KeptEvent(event=new)

    async def delete_event(self, order: state.DeleteEvent) -> CalendarEvent:
        gone = next((event for event in self.events if event.id == order.event_id), None)
        if gone is None:
            raise UnknownEvent
        self.events.remove(gone)
        return gone

    # --- conversations -------------------------------------------------------------------------------------------------

    async def list_conversations(self, _: memory.ListConversations) -> memory.Conversations:
        return memory.Conversations(conversations=self.conversations)

    async def create_conversation(self, order: memory.CreateConversation) -> Conversation:
        new = Conversation(id=f"c_{len(self.conversations)}", title=order.title, created_at=AT, updated_at=AT)
        self.conversations.append(new)
        return new

    async def store_output(self, order: account.StoreOutput) -> account.StoredOutput:
        self.outputs.setdefault(order.operation_id, order)
        conversation = order.conversation_id or "c_new"
        message = ChatMessage(
            id="m_1", conversation_id=conversation, role="assistant", text=order.text, status="completed", created_at=AT
        )
        return account.StoredOutput(message=message, conversation_id=conversation)

    async def list_messages(self, question: memory.ListMessages) -> memory.Messages:
        if question.conversation_id == "c_none":
            raise UnknownConversation
        return memory.Messages(messages=self.messages)

    async def tidy_up(self, _: knowledge.TidyUp) -> knowledge.Tidied:
        return knowledge.Tidied(packed=2, summaries=1)

    async def prepare_digest(self, question: knowledge.PrepareDigest) -> knowledge.DigestMaterial:
        if not self.messages:
            return knowledge.DigestMaterial(decision="done")
        told = [PromptMessage(role="user", text=message.text) for message in self.messages]
        return knowledge.DigestMaterial(decision="run", messages=told, until="m_9")

    async def store_digest(self, order: knowledge.StoreDigest) -> memory.Done:
        self.digests.append(order)
        return memory.Done()

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
            Answer(state.CREATE_TASK, self.create_task),
            Answer(state.KEEP_EVENT, self.keep_event),
            Answer(state.DELETE_EVENT, self.delete_event),
            Answer(travel.KEEP_TRIP, self.keep_trip),
            Answer(travel.GET_TRIP, self.get_trip),
            Answer(travel.LIST_TRIPS, self.list_trips),
            Answer(travel.CHOOSE_FLIGHT, self.choose_flight),
            Answer(travel.SETTLE_TRIP, self.settle_trip),
            Answer(account.STORE_OUTPUT, self.store_output),
            Answer(memory.LIST_MESSAGES, self.list_messages),
            Answer(memory.LIST_CONVERSATIONS, self.list_conversations),
            Answer(memory.CREATE_CONVERSATION, self.create_conversation),
            Answer(knowledge.TIDY_UP, self.tidy_up),
            Answer(knowledge.PREPARE_DIGEST, self.prepare_digest),
            Answer(knowledge.STORE_DIGEST, self.store_digest),
        ]


def last(question: Complete) -> str:
    """The newest thing that was said to the model."""
    return question.messages[-1].text


def note_of(order: state.CreateNote, note_id: str) -> Note:
    return Note(id=note_id, title=order.title, text=order.text, size=len(order.text), created_at=AT, updated_at=AT)


def new_task(title: str, **fields: Any) -> Task:
    return Task(**{"id": f"t_{title}", "title": title, "status": "open", "created_at": AT, "updated_at": AT, **fields})


@asynccontextmanager
async def neighbours(ours: Bus, inference: Bus) -> AsyncGenerator[Neighbours]:
    """They answer while the context is open."""
    double = Neighbours()
    answered = [
        Answer(COMPLETE, double.complete),
        Answer(LIST_TOOLS, double.list_tools),
        Answer(CALL_TOOL, double.call_tool),
    ]
    async with ours.answer("memory", "0", double.answers()), inference.answer("inference", "0", answered):
        try:
            yield double
        finally:
            double.open.set()
