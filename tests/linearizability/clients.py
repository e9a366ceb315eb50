"""Eight clients of one user, who do what they please at the same time, and write down what they are told."""

import asyncio
import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from linearizability.history import NEVER, History, Ok, Op, Refused
from linearizability.names import Names
from shared.bus import Bus
from shared.contract.base import Message
from shared.contract.memory import (
    CLAIM_GENERATION,
    CREATE_CONVERSATION,
    DELETE_CONVERSATION,
    EDIT_MESSAGE,
    FINISH_GENERATION,
    GET_CONVERSATION,
    LIST_MESSAGES,
    SEND_MESSAGE,
    STOP_GENERATION,
    UPDATE_CONVERSATION,
    Accepted,
    ClaimGeneration,
    CreateConversation,
    DeleteConversation,
    EditMessage,
    FinishGeneration,
    GetConversation,
    ListMessages,
    SendMessage,
    StopGeneration,
    UpdateConversation,
)
from shared.contract.person import Task
from shared.contract.state import (
    COMPLETE_TASK,
    CREATE_TASK,
    DELETE_TASK,
    GET_STATE,
    LIST_TASKS,
    CompleteTask,
    CreateTask,
    DeleteTask,
    GetState,
    ListTasks,
)
from shared.contract.topics import Call
from shared.errors import Busy, Fault, TooMany, Unavailable
from shared.errors import Refused as RefusedFault

CLIENTS, STEPS_EACH = 8, 12
CONVERSATIONS = 2
ATTEMPT_SECONDS = 1.0
"""A question that was lost with the process that had it is asked again after this long."""

PATIENCE_SECONDS = 120.0
LIST_LIMIT = 200

WHAT = {
    "send": 28,
    "tree": 12,
    "branch": 8,
    "answer": 22,
    "edit": 7,
    "stop": 6,
    "snapshot": 7,
    "rename": 5,
    "get": 5,
    "delete": 1,
    "create_task": 6,
    "complete_task": 5,
    "delete_task": 2,
    "list_tasks": 5,
}


Told = Callable[[Any], Hashable]
"""What an answer says, in the words of the model."""


@dataclass(slots=True)
class Heard:
    """An operation with the answer as it came, or None."""

    client: str
    kind: str
    args: dict[str, Any]
    called: int
    returned: int
    reply: Any
    told: Told

    @property
    def op(self) -> Op:
        """In the words of the model."""
        outcome = (
            None
            if self.reply is None
            else Refused(self.reply.code)
            if isinstance(self.reply, Fault)
            else Ok(self.told(self.reply))
        )
        return Op(self.client, self.kind, self.args, self.called, self.returned, outcome)


FIRST = {"send": 0, "edit": 0, "tree": 1}
"""Who wrote something knows best what it is called; then who saw everything of a conversation."""


@dataclass(slots=True)
class Table:
    """What the clients of one history share: what they have heard of each other."""

    history: History
    names: Names = field(default_factory=Names)
    known: list[tuple[str, str, Accepted]] = field(default_factory=list[tuple[str, str, Accepted]])
    """Conversation, key, and what was accepted."""
    tasks: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Key and id."""
    heard: list[Heard] = field(default_factory=list[Heard])
    steps: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """Released with every operation that ends: whoever wants to disturb in the middle waits for some."""

    def settled(self) -> History:
        """Everything that was heard, named."""
        self.history.ops = [heard.op for heard in sorted(self.heard, key=lambda heard: FIRST.get(heard.kind, 2))]
        return self.history


class Recorder:
    """Asks memory until it has an answer, and writes down every question with what is known of its fate."""

    def __init__(self, name: str, bus: Bus, table: Table) -> None:
        self.name, self.bus, self.table = name, bus, table

    async def ask(
        self,
        kind: str,
        args: dict[str, Any],
        call: Call[Any, Any],
        question: Message,
        told: Told,
        *,
        once: bool = False,
    ) -> Any:
        """The answer, or None. With `once` a repetition is the same operation: what it carries is its key.

        An attempt without an answer may have happened, or may happen later. Then a refusal is only of the attempt it came to.
        """
        tick = self.table.history.tick
        began = called = tick()
        lost = False
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (reply := await self._attempt(call, question)) is None:
                if not once and kind not in READS:
                    self._hear(Heard(self.name, kind, args, called, NEVER, None, told))
                lost, called = True, tick()
        refused = isinstance(reply, Fault)
        if once and lost and refused:
            self._hear(Heard(self.name, kind, args, began, NEVER, None, told))
        start = began if once and not refused else called
        self._hear(Heard(self.name, kind, args, start, tick(), reply, told))
        return None if refused else reply

    def _hear(self, heard: Heard) -> None:
        self.table.heard.append(heard)
        self.table.steps.release()

    async def _attempt(self, call: Call[Any, Any], question: Message) -> Any:
        try:
            return await self.bus.ask(call, question, timeout=ATTEMPT_SECONDS)
        except (RefusedFault, TooMany) as refused:
            return refused
        except Unavailable:
            return None
        except Busy as busy:
            await asyncio.sleep(min(busy.retry_after, 0.05))
            return None


READS = {"tree", "branch", "get", "snapshot", "list_tasks"}
"""Of these only the answer counts."""


class Client:
    """One client and its dice."""

    def __init__(self, name: str, bus: Bus, table: Table) -> None:
        self.table, self.history, self.names = table, table.history, table.names
        self.user = self.history.user
        self.name = name
        self.dice = random.Random(f"{self.history.seed} {name}")
        self.recorder = Recorder(name, bus, table)
        self.count = 0

    async def run(self, steps: int) -> None:
        """Does this many things."""
        for _ in range(steps):
            (what,) = self.dice.choices(list(WHAT), list(WHAT.values()))
            await getattr(self, what)()

    # --- what it may do ---

    async def send(self) -> None:
        where, key = self._where(), self._key()
        busy: Any = self.dice.choices(("queue", "interrupt", "reject"), (8, 2, 1))[0]
        args = {"conversation": where, "key": key, "text": f"text {key}", "if_busy": busy}
        question = SendMessage(user=self.user, text=args["text"], conversation_id=where, client_message_id=key, if_busy=busy)
        await self._write("send", args, SEND_MESSAGE, question)

    async def edit(self) -> None:
        if self.table.known:
            where, old, accepted = self.dice.choice(self.table.known)
            key = self._key()
            args = {"conversation": where, "message": old, "key": key, "text": f"text {key}"}
            question = EditMessage(user=self.user, message_id=accepted.message_id, text=args["text"], client_message_id=key)
            await self._write("edit", args, EDIT_MESSAGE, question)

    async def _write(self, kind: str, args: dict[str, Any], call: Call[Any, Accepted], question: Message) -> None:
        told = lambda accepted: self.names.accepted(args["key"], accepted)  # noqa: E731 - shorter than a function in a function
        accepted = await self.recorder.ask(kind, args, call, question, told, once=True)
        if accepted is not None:
            self.table.known.append((args["conversation"], args["key"], accepted))

    async def answer(self) -> None:
        """Works as inference would, on any answer it has heard of."""
        recent = self.table.known[-10:]
        if not recent:
            return
        where, key, accepted = self.dice.choice(recent)
        args = {"conversation": where, "generation": key}
        question = ClaimGeneration(generation_id=accepted.generation_id, user=self.user, worker=self.name)
        claim = await self.recorder.ask(
            "claim", args, CLAIM_GENERATION, question, lambda told: (told.decision, told.epoch, told.stop)
        )
        # A claim whose answer was lost may have begun it: then this is its first attempt.
        if claim.decision == "run" or (claim.decision == "wait" and self.dice.random() < 0.2):
            await self._finish(where, key, accepted.generation_id, claim.epoch or 1, stop=claim.stop)

    async def _finish(self, where: str, key: str, generation_id: str, epoch: int, *, stop: bool) -> None:
        outcome: Any = "cancelled" if stop else "completed"
        text = f"{key} by {self.name}"
        args = {"conversation": where, "generation": key, "epoch": epoch, "outcome": outcome, "text": text}
        question = FinishGeneration(generation_id=generation_id, user=self.user, epoch=epoch, outcome=outcome, text=text)
        await self.recorder.ask("finish", args, FINISH_GENERATION, question, lambda told: told.status)

    async def stop(self) -> None:
        where, key, generation_id = self._where(), None, None
        if self.table.known and self.dice.random() < 0.5:
            where, key, accepted = self.dice.choice(self.table.known[-10:])
            generation_id = accepted.generation_id
        question = StopGeneration(user=self.user, conversation_id=where, generation_id=generation_id)
        args = {"conversation": where, "generation": key}
        await self.recorder.ask(
            "stop", args, STOP_GENERATION, question, lambda told: tuple(map(self.names.generation, told.generation_ids))
        )

    async def delete(self) -> None:
        where = self._where()
        question = DeleteConversation(user=self.user, conversation_id=where)
        told = lambda deleted: tuple(deleted.conversation_ids)  # noqa: E731
        await self.recorder.ask("delete", {"conversation": where}, DELETE_CONVERSATION, question, told)

    async def rename(self) -> None:
        where, title = self._where(), self._key()
        question = UpdateConversation(user=self.user, conversation_id=where, title=title)
        args = {"conversation": where, "title": title}
        await self.recorder.ask("rename", args, UPDATE_CONVERSATION, question, lambda told: told.title)

    async def get(self) -> None:
        await self.get_one(self._where())

    async def tree(self) -> None:
        await self.list_one("tree", self._where())

    async def branch(self) -> None:
        await self.list_one("branch", self._where())

    # --- what may also be done on purpose ---

    async def get_one(self, where: str) -> None:
        question = GetConversation(user=self.user, conversation_id=where)
        await self.recorder.ask("get", {"conversation": where}, GET_CONVERSATION, question, self.names.conversation)

    async def list_one(self, kind: str, where: str) -> None:
        question = ListMessages(user=self.user, conversation_id=where, limit=LIST_LIMIT, branch=kind == "branch")
        told = lambda page: self.names.messages(page.messages)  # noqa: E731
        await self.recorder.ask(kind, {"conversation": where}, LIST_MESSAGES, question, told)

    async def snapshot(self, limit: int = 50) -> None:
        def told(state: Any) -> Hashable:
            rows = self.names.messages(state.messages)
            listed = tuple((one.id, one.title, self.names.of(one.head_id)) for one in state.conversations)
            return (state.version, listed, rows)

        await self.recorder.ask("snapshot", {"limit": limit}, GET_STATE, GetState(user=self.user, limit=limit), told)

    async def create_task(self) -> None:
        key = self._key()
        question = CreateTask(user=self.user, operation_id=key, title=f"task {key}")
        made = await self.recorder.ask(
            "create_task", {"key": key, "title": f"task {key}"}, CREATE_TASK, question, self._told_task, once=True
        )
        if made is not None:
            self.table.tasks.append((key, made.id))

    async def complete_task(self) -> None:
        if self.table.tasks:
            key, task_id = self.dice.choice(self.table.tasks)
            question = CompleteTask(user=self.user, operation_id=self._key(), task_id=task_id)
            await self.recorder.ask("complete_task", {"task": key}, COMPLETE_TASK, question, self._told_task, once=True)

    async def delete_task(self) -> None:
        if self.table.tasks:
            key, task_id = self.dice.choice(self.table.tasks)
            question = DeleteTask(user=self.user, operation_id=self._key(), task_id=task_id)
            await self.recorder.ask("delete_task", {"task": key}, DELETE_TASK, question, self._told_task, once=True)

    async def list_tasks(self) -> None:
        def told(page: Any) -> Hashable:
            return tuple(sorted(self._told_task(task) for task in page.tasks))

        await self.recorder.ask("list_tasks", {}, LIST_TASKS, ListTasks(user=self.user, limit=LIST_LIMIT), told)

    def _told_task(self, task: Task) -> tuple[str, str, str]:
        return (self.names.task(task), task.title, task.status)

    def _where(self) -> str:
        return self.dice.choice(self.history.conversations)

    def _key(self) -> str:
        self.count += 1
        return f"{self.name}-{self.count}"


async def begin(seed: int, user: str, bus: Bus) -> Table:
    """A user with empty conversations, before anybody else comes."""
    made: list[str] = []
    for number in range(CONVERSATIONS):
        created = await _surely(bus, CREATE_CONVERSATION, CreateConversation(user=user, client_id=str(number)))
        made.append(created.id)
    return Table(History(seed, user, made))


async def _surely(bus: Bus, call: Call[Any, Any], question: Message) -> Any:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await bus.ask(call, question, timeout=ATTEMPT_SECONDS)
            except Busy:
                continue


async def live(table: Table, buses: list[Bus], steps: int = STEPS_EACH) -> History:
    """Everything the clients do, and a last look at all of it when they have gone."""
    async with asyncio.TaskGroup() as tasks:
        for number in range(CLIENTS):
            tasks.create_task(Client(f"c{number}", buses[number % len(buses)], table).run(steps))
    last = Client("last", buses[0], table)
    for conversation in table.history.conversations:
        await last.list_one("tree", conversation)
        await last.list_one("branch", conversation)
        await last.get_one(conversation)
    await last.list_tasks()
    await last.snapshot(LIST_LIMIT)
    return table.settled()
