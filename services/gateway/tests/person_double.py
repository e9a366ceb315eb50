"""The part of the double that knows a person's state: every change has a version, and its events go out in that order."""

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.bus import Bus
from shared.contract import account, events, knowledge, state, travel
from shared.contract.memory import Done
from shared.contract.objects import ChatMessage
from shared.contract.person import CalendarEvent, DoneAction, Note, Persona, PinnedMemory, Plan, Task
from shared.contract.subjects import Subject, state_event
from shared.contract.trip import Trip
from shared.errors import (
    BeingErased,
    BuiltIn,
    Fault,
    IdempotencyMismatch,
    UnknownEvent,
    UnknownMemory,
    UnknownNote,
    UnknownPersona,
    UnknownTask,
)
from shared.ids import new_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)
UNKNOWN: dict[str, type[Fault]] = {
    "tasks": UnknownTask,
    "notes": UnknownNote,
    "memories": UnknownMemory,
    "calendar": UnknownEvent,
    "personas": UnknownPersona,
}
BUILT_IN = Persona(id="assistant", name="Assistant", description="All-round.", system_prompt="Help.", built_in=True)
Fact = tuple[Subject, events.Event]


class PersonDouble:
    """Objects by kind and id, each with its owner."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.versions: Counter[str] = Counter()
        self.objects: dict[str, dict[str, tuple[str, Any]]] = defaultdict(dict)
        self.preferences: dict[str, dict[str, Any]] = defaultdict(dict)
        self.plans: dict[str, dict[str, Plan]] = defaultdict(dict)
        self.done: dict[tuple[str, str, str], tuple[Any, Any]] = {}
        self.changed: dict[str, list[tuple[int, str, str, bool]]] = defaultdict(list)
        self.trips: dict[str, list[Trip]] = {}
        self.outputs: list[account.StoreOutput] = []
        self.asked: list[Any] = []
        self.lag: Callable[[], float] | None = None
        """Seconds that each event waits before it is stored; None: it is stored before the call is answered."""
        self.slow = 0.0
        """Seconds that an erasure takes."""
        self.dying = self.claimed = 0
        """How many questions for an erasure are answered too late, and how many find that another one is at it."""
        self.outbox: dict[str, asyncio.Queue[Fact]] = {}
        self.posts: set[asyncio.Task[None]] = set()
        self.pages: list[list[dict[str, Any]] | Fault] = []

    def answered(self) -> dict[Any, Any]:
        """The calls, and what answers them."""
        return {
            state.CREATE_TASK: self.once(self.create_task),
            state.UPDATE_TASK: self.once(self.update_task),
            state.COMPLETE_TASK: self.once(self.complete_task),
            state.DELETE_TASK: self.once(lambda o: self.gone(o.user, "tasks", o.task_id, events.TaskDeleted, "task")),
            state.GET_TASK: self.reading(lambda q: self.owned(q.user, "tasks", q.task_id)),
            state.LIST_TASKS: self.reading(self.list_tasks),
            state.CREATE_NOTE: self.once(self.create_note),
            state.UPDATE_NOTE: self.once(self.update_note),
            state.DELETE_NOTE: self.once(lambda o: self.gone(o.user, "notes", o.note_id, events.NoteDeleted, "note")),
            state.GET_NOTE: self.reading(lambda q: self.owned(q.user, "notes", q.note_id)),
            state.LIST_NOTES: self.reading(lambda q: state.Notes(notes=self.all(q.user, "notes")[: q.limit])),
            state.PIN_MEMORY: self.once(self.pin),
            state.UNPIN_MEMORY: self.once(lambda o: self.gone(o.user, "memories", o.memory_id, events.MemoryDeleted, "memory")),
            state.LIST_MEMORIES: self.reading(lambda q: state.Memories(pinned_memories=self.all(q.user, "memories"))),
            state.GET_PREFERENCES: self.reading(lambda q: state.Preferences(preferences=self.preferences[q.user])),
            state.CHANGE_PREFERENCES: self.once(self.change_preferences),
            state.GET_PLAN: self.reading(lambda q: self.plans[q.user].get(q.date, Plan(date=q.date))),
            state.PUT_PLAN: self.once(self.put_plan),
            state.KEEP_EVENT: self.once(self.keep_event),
            state.DELETE_EVENT: self.once(
                lambda o: self.gone(o.user, "calendar", o.event_id, events.CalendarDeleted, "calendar_event")
            ),
            state.LIST_EVENTS: self.reading(lambda q: state.CalendarEvents(events=self.all(q.user, "calendar"))),
            travel.LIST_TRIPS: self.reading(lambda q: travel.Trips(trips=self.trips.get(q.user, []))),
            state.LIST_PERSONAS: self.reading(lambda q: state.Personas(personas=[BUILT_IN, *self.all(q.user, "personas")])),
            state.KEEP_PERSONA: self.once(self.keep_persona),
            state.DELETE_PERSONA: self.once(self.delete_persona),
            knowledge.SEARCH: self.reading(self.search),
            account.EXPORT: self.reading(self.export),
            account.ERASE_ACCOUNT: self.erase,
            account.STORE_OUTPUT: self.once(self.store_output),
        }

    # --- how a change is made ----------------------------------------------------------------------------------------

    def once(self, handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The handler, of which the same operation id gets the same answer."""

        async def answer(order: Any) -> Any:
            self.asked.append(order)
            key = (order.user, type(order).__name__, order.operation_id or new_id("e"))
            if key not in self.done:
                self.done[key] = (order, await handler(order))
            known, answer = self.done[key]
            if known != order:
                raise IdempotencyMismatch
            return answer

        return answer

    def reading(self, handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
        async def answer(question: Any) -> Any:
            self.asked.append(question)
            return handler(question)

        return answer

    def owned(self, user: str, kind: str, id_: str) -> Any:
        owner, found = self.objects[kind].get(id_, ("", None))
        if owner != user:
            raise UNKNOWN[kind]
        return found

    def all(self, user: str, kind: str) -> list[Any]:
        return [found for owner, found in self.objects[kind].values() if owner == user][::-1]

    async def keep(self, user: str, kind: Any, value: Any, event: type[events.Event], name: str) -> Any:
        self.objects[kind][value.id] = (user, value)
        return await self.tell_change(user, kind, value, event, name, gone=False)

    async def gone(self, user: str, kind: Any, id_: str, event: type[events.Event], name: str) -> Any:
        value = self.owned(user, kind, id_)
        del self.objects[kind][id_]
        return await self.tell_change(user, kind, value, event, name, gone=True)

    async def tell_change(self, user: str, kind: Any, value: Any, event: type[events.Event], name: str, *, gone: bool) -> Any:
        fact = {"id": new_id("e"), "at": NOW, "version": self.versions[user] + 1, name: value}
        self.changed[user].append((self.versions[user] + 1, kind, getattr(value, "id", ""), gone))
        await self.advance(user, (state_event(user, kind), event(**fact)))
        return value

    async def advance(self, user: str, *facts: Fact) -> int:
        """One more version of the user's state, with these facts; `state.updated` comes last."""
        self.versions[user] += 1
        version = self.versions[user]
        updated = events.StateUpdated(id=new_id("e"), at=NOW, version=version, changed=[])
        all_facts = (*facts, (state_event(user, "version"), updated))
        if self.lag is None:
            for fact in all_facts:
                await self.post(fact)
            return version
        if user not in self.outbox:
            self.outbox[user] = asyncio.Queue()
            self.posts.add(asyncio.create_task(self.deliver(self.outbox[user])))
        for fact in all_facts:
            self.outbox[user].put_nowait(fact)
        return version

    async def deliver(self, outbox: "asyncio.Queue[Fact]") -> None:
        while True:
            fact = await outbox.get()
            await asyncio.sleep(self.lag() if self.lag else 0)
            await self.post(fact)

    async def post(self, fact: Fact) -> None:
        subject, event = fact
        await self.bus.store(subject, event.encode(), type=event.type_name)

    # --- the calls ---------------------------------------------------------------------------------------------------

    async def create_task(self, order: state.CreateTask) -> Task:
        fields = order.model_dump(include={"title", "due", "tags", "assignee"})
        task = Task(id=new_id("t"), status="open", created_at=NOW, updated_at=NOW, **fields)
        return await self.keep(order.user, "tasks", task, events.TaskCreated, "task")

    async def update_task(self, order: state.UpdateTask) -> Task:
        given = order.model_dump(include={"title", "due", "tags", "assignee", "status"}, exclude_none=True)
        given |= dict.fromkeys(order.clear)
        task = self.owned(order.user, "tasks", order.task_id).model_copy(update=given)
        return await self.keep(order.user, "tasks", task, events.TaskUpdated, "task")

    async def complete_task(self, order: state.CompleteTask) -> Task:
        done = {"status": "completed", "completed_at": NOW}
        task = self.owned(order.user, "tasks", order.task_id).model_copy(update=done)
        return await self.keep(order.user, "tasks", task, events.TaskUpdated, "task")

    def list_tasks(self, question: state.ListTasks) -> state.Tasks:
        wanted = [task for task in self.all(question.user, "tasks") if question.status in (None, task.status)]
        return state.Tasks(tasks=wanted[: question.limit], next="more" if len(wanted) > question.limit else None)

    async def create_note(self, order: state.CreateNote) -> Note:
        fields = order.model_dump(include={"text", "title", "kind", "tags"})
        note = Note(id=new_id("n"), size=len(order.text.encode()), created_at=NOW, updated_at=NOW, **fields)
        self.objects["notes"][note.id] = (order.user, note)
        cut = note.model_copy(update={"text": note.text[:1000], "truncated": len(note.text) > 1000})
        await self.tell_change(order.user, "notes", cut, events.NoteCreated, "note", gone=False)
        return note

    async def update_note(self, order: state.UpdateNote) -> Note:
        given = order.model_dump(include={"text", "title", "tags"}, exclude_none=True)
        note = self.owned(order.user, "notes", order.note_id).model_copy(update=given)
        return await self.keep(order.user, "notes", note, events.NoteUpdated, "note")

    async def pin(self, order: state.PinMemory) -> PinnedMemory:
        same = [known for known in self.all(order.user, "memories") if (known.type, known.key) == (order.type, order.key)]
        id_ = same[0].id if same else new_id("k")
        fields = order.model_dump(include={"type", "key", "value"})
        memory = PinnedMemory(id=id_, created_at=NOW, updated_at=NOW, **fields)
        return await self.keep(order.user, "memories", memory, events.MemoryCreated, "memory")

    async def change_preferences(self, order: state.ChangePreferences) -> state.Preferences:
        preferences = {**self.preferences[order.user], **order.preferences}
        for name in order.remove:
            preferences.pop(name, None)
        self.preferences[order.user] = preferences
        await self.tell_change(order.user, "preferences", preferences, events.PreferencesUpdated, "preferences", gone=False)
        return state.Preferences(preferences=preferences)

    async def put_plan(self, order: state.PutPlan) -> Plan:
        plan = Plan(**order.model_dump(include={"date", "priorities", "todos", "notes"}), updated_at=NOW)
        self.plans[order.user][order.date] = plan
        return await self.tell_change(order.user, "plan", plan, events.PlanUpdated, "plan", gone=False)

    async def keep_event(self, order: state.KeepEvent) -> state.KeptEvent:
        if order.event_id:
            self.owned(order.user, "calendar", order.event_id)
        fields = order.model_dump(exclude={"user", "operation_id", "event_id"})
        event = CalendarEvent(id=order.event_id or new_id("ev"), created_at=NOW, updated_at=NOW, **fields)
        travel = None
        if order.location:
            change = {"id": new_id("ev"), "kind": "travel", "warm_only": True, "destination": order.location}
            travel = event.model_copy(update={**change, "source_event_id": event.id})
        await self.keep(order.user, "calendar", event, events.CalendarCreated, "calendar_event")
        return state.KeptEvent(event=event, travel_event=travel)

    async def keep_persona(self, order: state.KeepPersona) -> Persona:
        if order.persona_id == BUILT_IN.id:
            raise BuiltIn
        if order.persona_id:
            self.owned(order.user, "personas", order.persona_id)
        fields = order.model_dump(exclude={"user", "operation_id", "persona_id"})
        persona = Persona(id=order.persona_id or new_id("p"), created_at=NOW, updated_at=NOW, **fields)
        return await self.keep(order.user, "personas", persona, events.PersonaCreated, "persona")

    async def delete_persona(self, order: state.DeletePersona) -> Done:
        if order.persona_id == BUILT_IN.id:
            raise BuiltIn
        await self.gone(order.user, "personas", order.persona_id, events.PersonaDeleted, "persona")
        return Done()

    def search(self, question: knowledge.Search) -> knowledge.Hits:
        found = [note for note in self.all(question.user, "notes") if question.query in note.text]
        hit = [knowledge.Hit(type="note", id=note.id, snippet=note.text[:50], score=1, created_at=NOW) for note in found]
        return knowledge.Hits(hits=hit[: question.limit])

    def export(self, question: account.Export) -> account.ExportPage:
        pages = self.pages or [[{"type": "note", "id": note.id} for note in self.all(question.user, "notes")]]
        number = int(question.cursor or 0)
        page = pages[number]
        if isinstance(page, Fault):
            raise page
        sizes = [len(page) if isinstance(page, list) else 0 for page in pages]
        done = list(itertools.accumulate(sizes))[number]
        following = str(number + 1) if number + 1 < len(pages) else None
        return account.ExportPage(records=page, next=following, done=done, total=sum(sizes))

    async def erase(self, order: account.EraseAccount) -> account.Erased:
        await asyncio.sleep(self.slow)
        if self.dying:
            self.dying -= 1
            await asyncio.sleep(1)
            return account.Erased(counts={})
        if self.claimed:
            self.claimed -= 1
            raise BeingErased
        counts: dict[str, Any] = {}
        for kind, known in self.objects.items():
            mine = [id_ for id_, (owner, _) in known.items() if owner == order.user]
            counts[kind] = len(mine)
            for id_ in mine:
                del known[id_]
        return account.Erased(counts=counts)

    async def store_output(self, order: account.StoreOutput) -> account.StoredOutput:
        self.outputs.append(order)
        conversation = order.conversation_id or new_id("c")
        message = ChatMessage(
            id=new_id("m"), conversation_id=conversation, role="assistant", text=order.text, status="completed", created_at=NOW
        )
        tasks = [
            await self.create_task(state.CreateTask(user=order.user, **action.payload))
            for action in order.actions
            if action.event == "create_task"
        ]
        done = [DoneAction(event="create_task", payload={"title": task.title}, object_id=task.id) for task in tasks]
        return account.StoredOutput(message=message, conversation_id=conversation, tasks=tasks, actions=done)

    def snapshot(self, question: state.GetState) -> dict[str, Any]:
        """The fields of the state that this double knows."""
        user = question.user
        whole: dict[str, Any] = {
            "user_id": user,
            "version": self.versions[user],
            "tasks": self.all(user, "tasks"),
            "notes": self.all(user, "notes"),
            "pinned_memories": self.all(user, "memories"),
            "calendar": self.all(user, "calendar"),
            "personas": self.all(user, "personas"),
            "plan": {day: plan.wire() for day, plan in self.plans[user].items()},
            "preferences": self.preferences[user] or None,
        }
        return whole if question.since is None else self.changes(whole, question)

    def changes(self, whole: dict[str, Any], question: state.GetState) -> dict[str, Any]:
        since = int(question.since or 0) if str(question.since).isdecimal() else 0
        later = [change for change in self.changed[question.user] if change[0] > since]
        ids = {id_ for _, _, id_, gone in later if not gone}
        kinds = {kind for _, kind, _, _ in later}
        for name in ("tasks", "notes", "pinned_memories", "calendar", "personas"):
            whole[name] = [value for value in whole[name] if value.id in ids]
        gone = defaultdict(list)
        for _, kind, id_, is_gone in later:
            if is_gone:
                gone["pinned_memories" if kind == "memories" else kind].append(id_)
        preferences = whole["preferences"] if "preferences" in kinds else None
        return {**whole, "since": since, "removed": state.Removed(**gone), "preferences": preferences}

    async def close(self) -> None:
        for task in self.posts:
            task.cancel()
        await asyncio.gather(*self.posts, return_exceptions=True)
