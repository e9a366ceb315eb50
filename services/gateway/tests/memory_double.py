"""Memory and inference in one, for tests of the gateway: answers their calls over the real bus and stores real events.

What a message says is what happens: "count to N", "/fail CODE", "/half CODE" (after some text), "/restart", "/slow", "/hold"
(until stopped), "/trickle N" (slowly, begun anew once in between), "/call NAME JSON" and "/call-again NAME JSON" (begun anew
after the call), else an echo.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from approvals_double import ApprovalsDouble
from person_double import NOW, PersonDouble

from shared.bus import Answer, Bus
from shared.contract import events, memory
from shared.contract.inference import LIST_MODELS, ListModels, Model, Models
from shared.contract.memory import Accepted, SendMessage
from shared.contract.objects import ChatMessage, Conversation, Problem, Usage
from shared.contract.state import GET_STATE, GetState, State
from shared.contract.subjects import conversation_event, token_log
from shared.contract.tools import Approval
from shared.errors import UnknownConversation, UnknownMessage
from shared.ids import chat_ids, new_id


class MemoryDouble:
    """Everything it was told, in dicts."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.person = PersonDouble(bus)
        self.approvals = ApprovalsDouble(self.person.objects)
        self.conversations: dict[str, tuple[str, Conversation]] = {}
        self.messages: dict[str, dict[str, ChatMessage]] = {}
        self.sent: list[SendMessage] = []
        self.since: list[str | None] = []
        self.keys: dict[tuple[str, str], Accepted] = {}
        self.presence: list[memory.RecordPresence] = []
        self.stopped: dict[str, asyncio.Event] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.failing: Exception | None = None

    def answers(self) -> list[Answer[Any, Any]]:
        """Every call that the gateway makes of memory."""
        pairs = {
            memory.SEND_MESSAGE: self.send,
            memory.REGENERATE: self.regenerate,
            memory.EDIT_MESSAGE: self.edit,
            memory.STOP_GENERATION: self.stop,
            memory.LIST_CONVERSATIONS: self.list_conversations,
            memory.CHECK_HEALTH: self.check_health,
            memory.GET_CONVERSATION: self.get,
            memory.CREATE_CONVERSATION: self.create,
            memory.UPDATE_CONVERSATION: self.update,
            memory.DELETE_CONVERSATION: self.delete,
            memory.CLEAR_HISTORY: self.clear,
            memory.LIST_MESSAGES: self.list_messages,
            GET_STATE: self.state,
            memory.OPEN_STREAM: self.open_stream,
            memory.RECORD_PRESENCE: self.record,
            **self.person.answered(),
            **self.approvals.answered(),
        }
        return [Answer(call, handler) for call, handler in pairs.items()]

    def own(self, user: str, conversation: str) -> Conversation:
        owner, found = self.conversations.get(conversation, ("", None))
        if found is None or owner != user:
            raise UnknownConversation
        return found

    def called(self, user: str, chat: str | None, **fields: Any) -> Conversation:
        meant = chat_ids(user, chat) if chat else [new_id("c")]
        known = [self.conversations[one][1] for one in meant if self.conversations.get(one, ("",))[0] == user]
        return known[0] if known else self.new_conversation(user, id=meant[-1], **fields)

    def new_conversation(self, user: str, **fields: Any) -> Conversation:
        conversation = Conversation(**{"id": new_id("c"), "created_at": NOW, "updated_at": NOW, **fields})
        self.conversations[conversation.id] = (user, conversation)
        self.messages[conversation.id] = {}
        return conversation

    async def check_health(self, _: memory.CheckHealth) -> memory.Done:
        if self.failing:
            raise self.failing
        return memory.Done()

    async def send(self, order: SendMessage) -> Accepted:
        if self.failing:
            raise self.failing
        key = (order.user, order.client_message_id or "")
        if key in self.keys:
            return self.keys[key].model_copy(update={"repeated": True})
        conversation = (
            self.own(order.user, order.conversation_id)
            if order.conversation_id
            else self.called(order.user, order.chat, temporary=order.temporary)
        )
        self.sent.append(order)
        turn = await self.turn(order.user, conversation.id, order.text, order.role, order.client_message_id)
        accepted = turn.model_copy(update={"after": order.after})
        if order.client_message_id:
            self.keys[key] = accepted
        return accepted

    async def turn(self, user: str, conversation: str, text: str, role: str = "user", key: str | None = None) -> Accepted:
        generation = new_id("g")
        question = self.message(conversation, role, text, "completed", client_message_id=key)
        answer = self.message(conversation, "assistant", "", "pending", generation_id=generation, parent_id=question.id)
        accepted = Accepted(
            conversation_id=conversation,
            message_id=question.id,
            answer_id=answer.id,
            generation_id=generation,
            queue_position=0,
        )
        created = [events.MessageCreated(**self.fact(conversation), message=message) for message in (question, answer)]
        await self.person.advance(user, *((conversation_event(user, conversation), event) for event in created))
        task = asyncio.create_task(self.run(user, accepted, text))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return accepted

    def message(self, conversation: str, role: Any, text: str, status: Any, **fields: Any) -> ChatMessage:
        message = ChatMessage(
            id=new_id("m"), conversation_id=conversation, role=role, text=text, status=status, created_at=NOW, **fields
        )
        self.messages[conversation][message.id] = message
        return message

    async def run(self, user: str, accepted: Accepted, text: str) -> None:
        stop = self.stopped.setdefault(accepted.generation_id, asyncio.Event())
        if text == "/slow":
            await asyncio.sleep(0.3)
        if text.startswith("/call"):
            await self.call(user, accepted, *text.split(" ", 2))
            return
        if text.startswith(("/tool", "/ask", "/think")):
            await Working(self, user, accepted, stop).work(text)
            return
        if text.startswith("/half"):
            await self.say(user, accepted, 1, ["ha", "lf"])
        if text.startswith(("/fail", "/half")):
            await self.end(user, accepted, "failed", "half", text.partition(" ")[2] or "upstream_unavailable")
            return
        pieces = (
            [f"{n} " for n in range(1, int(text.rsplit(maxsplit=1)[-1]) + 1)] if text.startswith("count to ") else list(text)
        )
        if text.startswith("/trickle"):
            pieces = [f"{n} " for n in range(int(text.split()[1]))]
            await self.say(user, accepted, 1, pieces[: len(pieces) // 2], pause=0.002)
            said = await self.say(user, accepted, 2, pieces, pause=0.002)
        else:
            said = await self.say(user, accepted, 1, pieces[:2] if text == "/restart" else pieces)
        if text == "/restart":
            said = await self.say(user, accepted, 2, pieces)
        if text == "/hold":
            await stop.wait()
        await self.end(user, accepted, "cancelled" if stop.is_set() else "completed", said)

    async def say(self, user: str, accepted: Accepted, attempt: int, pieces: list[str], pause: float = 0) -> str:
        kind = events.GenerationStarted if attempt == 1 else events.GenerationRestarted
        ids = {"generation_id": accepted.generation_id, "message_id": accepted.answer_id, "attempt": attempt}
        fact = self.fact(accepted.conversation_id)
        await self.log(user, accepted, kind(**fact, **ids, model="double"))
        for index, piece in enumerate(pieces):
            await self.log(user, accepted, events.Token(**fact, **ids, token=piece, index=index))
            await asyncio.sleep(pause)
        return "".join(pieces)

    async def call(self, user: str, accepted: Accepted, command: str, name: str, arguments: str) -> None:
        """As a worker does it: two calls, the last things that the model says."""
        calls = [{"id": f"call_{n}", "name": name, "arguments": json.loads(arguments)} for n in range(2)]
        for attempt in (1, 2) if command == "/call-again" else (1,):
            await self.say(user, accepted, attempt, ["Let me ", "see."])
            ids = {"generation_id": accepted.generation_id, "message_id": accepted.answer_id, "attempt": attempt}
            for call in calls:
                told = {"tool_call_id": call["id"], "name": name, "arguments": call["arguments"]}
                await self.log(user, accepted, events.ToolStarted(**self.fact(accepted.conversation_id), **ids, **told))
        await self.end(user, accepted, "completed", "Let me see.", tool_calls=calls, finish_reason="tool_calls")

    async def end(self, user: str, accepted: Accepted, status: Any, text: str, code: str | None = None, **more: Any) -> None:
        conversation = accepted.conversation_id
        error = Problem(code=code or "stopped", message="It went wrong.") if status != "completed" else None
        change = {"text": text, "status": status, "error": error, "usage": Usage(prompt_tokens=3, completion_tokens=4)}
        message = self.messages[conversation][accepted.answer_id].model_copy(update={**change, "model": "double", **more})
        self.messages[conversation][message.id] = message
        ids = {"generation_id": accepted.generation_id, "message_id": accepted.answer_id, "message": message}
        fact = {**self.fact(conversation), **ids}
        ended: events.GenerationEnded
        if status == "completed":
            ended = events.MessageCompleted(**fact)
        else:
            kind = events.MessageFailed if status == "failed" else events.MessageCancelled
            ended = kind(**fact, error=error, text=text)
        await self.person.advance(user, (conversation_event(user, conversation), ended))

    async def flood(self, text: str) -> None:
        """One more, large piece of the newest answer."""
        conversation, messages = list(self.messages.items())[-1]
        answer = list(messages.values())[-1]
        ids = {"generation_id": answer.generation_id, "message_id": answer.id, "attempt": 1, "index": 99}
        event = events.Token(**self.fact(conversation), **ids, token=text)
        subject = token_log(self.conversations[conversation][0], conversation, answer.generation_id or "")
        await self.bus.store(subject, event.encode(), type=event.type_name)

    def fact(self, conversation: str) -> dict[str, Any]:
        return {"id": new_id("e"), "at": NOW, "conversation_id": conversation}

    async def log(self, user: str, accepted: Accepted, event: events.Event) -> None:
        subject = token_log(user, accepted.conversation_id, accepted.generation_id)
        await self.bus.store(subject, event.encode(), type=event.type_name)

    async def regenerate(self, order: memory.Regenerate) -> Accepted:
        self.own(order.user, order.conversation_id)
        if order.message_id not in self.messages[order.conversation_id]:
            raise UnknownMessage
        return await self.turn(order.user, order.conversation_id, "again")

    async def edit(self, order: memory.EditMessage) -> Accepted:
        for conversation, messages in self.messages.items():
            if order.message_id in messages and self.conversations[conversation][0] == order.user:
                return await self.turn(order.user, conversation, order.text, key=order.client_message_id)
        raise UnknownMessage

    async def stop(self, order: memory.StopGeneration) -> memory.Stopping:
        self.own(order.user, order.conversation_id)
        running = [m.generation_id for m in self.messages[order.conversation_id].values() if m.status == "pending"]
        for generation in running:
            self.stopped.setdefault(generation or "", asyncio.Event()).set()
        return memory.Stopping(generation_ids=[generation for generation in running if generation])

    async def list_conversations(self, question: memory.ListConversations) -> memory.Conversations:
        mine = [found for owner, found in self.conversations.values() if owner == question.user and not found.temporary]
        return memory.Conversations(conversations=mine[::-1][: question.limit])

    async def get(self, question: memory.GetConversation) -> Conversation:
        return self.own(question.user, question.conversation_id)

    async def create(self, order: memory.CreateConversation) -> Conversation:
        return self.new_conversation(order.user, title=order.title, persona=order.persona, temporary=order.temporary)

    async def update(self, order: memory.UpdateConversation) -> Conversation:
        changed = self.own(order.user, order.conversation_id).model_copy(update={"title": order.title})
        self.conversations[changed.id] = (order.user, changed)
        return changed

    async def delete(self, order: memory.DeleteConversation) -> memory.Deleted:
        self.own(order.user, order.conversation_id)
        del self.conversations[order.conversation_id], self.messages[order.conversation_id]
        return memory.Deleted(conversation_ids=[order.conversation_id])

    async def clear(self, order: memory.ClearHistory) -> memory.Deleted:
        if order.conversation_id:
            self.own(order.user, order.conversation_id)
        gone = [key for key, (owner, _) in self.conversations.items() if owner == order.user]
        for conversation in gone:
            del self.conversations[conversation], self.messages[conversation]
        return memory.Deleted(conversation_ids=gone)

    async def list_messages(self, question: memory.ListMessages) -> memory.Messages:
        self.own(question.user, question.conversation_id)
        return memory.Messages(messages=list(self.messages[question.conversation_id].values())[-question.limit :])

    async def state(self, question: GetState) -> State:
        self.since.append(question.since)
        mine = [key for key, (owner, _) in self.conversations.items() if owner == question.user]
        return State(
            **self.person.snapshot(question),
            conversations=[self.conversations[key][1] for key in mine],
            messages=[message for key in mine for message in self.messages[key].values()][-question.limit :],
            approvals=self.approvals.of(question.user),
            active_sessions=[],
            last_snapshot_ts=NOW,
        )

    async def open_stream(self, question: memory.OpenStream) -> memory.StreamOpening:
        if question.conversation_id is None:
            known = [kept[0] for kept in self.messages.items() if question.until in kept[1]]
            if not known or self.conversations[known[0]][0] != question.user:
                raise UnknownMessage
            question = question.model_copy(update={"conversation_id": known[0]})
        named = question.conversation_id or ""
        self.own(question.user, named)
        messages = self.messages[named].values()
        running = next((m.generation_id for m in messages if m.status == "pending"), None)
        answers = [m for m in messages if question.until in (m.id, m.parent_id) and m.role == "assistant"]
        ended = bool(answers) and answers[-1].status != "pending"
        return memory.StreamOpening(running_generation_id=running, until_ended=ended)

    async def record(self, report: memory.RecordPresence) -> memory.Done:
        self.presence.append(report)
        return memory.Done()


class Working:
    """A worker with tools: "/think" thinks first, "/tool NAME JSON" calls one, "/ask NAME JSON" asks for leave before."""

    def __init__(self, double: MemoryDouble, user: str, accepted: Accepted, stop: asyncio.Event) -> None:
        self.double, self.user, self.accepted, self.stop = double, user, accepted, stop
        self.ids = {"generation_id": accepted.generation_id, "message_id": accepted.answer_id}

    async def tell(self, kind: type[events.Event], **fields: Any) -> None:
        event = kind(**self.double.fact(self.accepted.conversation_id), **self.ids, **fields)
        await self.double.log(self.user, self.accepted, event)

    async def work(self, text: str) -> None:
        await self.tell(events.GenerationStarted, attempt=1, model="double")
        if text == "/think":
            await self.tell(events.Reasoning, attempt=1, index=0, token="Hm, ")
            await self.tell(events.Reasoning, attempt=1, index=1, token="well.")
        await self.tell(events.Token, attempt=1, index=2, token="Let me see. ")
        calls = None
        if text != "/think":
            command, name, arguments = text.split(" ", 2)
            calls = [await (self.asks if command == "/ask" else self.calls)(name, json.loads(arguments))]
        attempt = 2 if text.startswith("/ask") else 1
        await self.tell(events.Token, attempt=attempt, index=3, token="Done.")
        await self.double.end(self.user, self.accepted, "completed", "Let me see. Done.", tool_calls=calls)

    async def calls(self, name: str, arguments: Any, attempt: int = 1, rejected: bool = False) -> dict[str, Any]:
        call = {"tool_call_id": "call_0", "name": name, "attempt": attempt}
        await self.tell(events.ToolStarted, arguments=arguments, **call)
        if name == "create_task":
            await self.tell(events.ActionAsked, attempt=attempt, tool_call_id="call_0", event=name, payload=arguments)
        status, result = ("rejected", None) if rejected else ("completed", {"ok": True})
        await self.tell(events.ToolFinished, status=status, result=result, duration_ms=1, **call)
        return {"id": "call_0", "name": name, "arguments": arguments, "status": status, "result": result}

    async def asks(self, name: str, arguments: Any) -> dict[str, Any]:
        asked = {"tool_call_id": "call_0", "name": name, "arguments": arguments, "arguments_hash": "h", "expires_at": NOW}
        where = {"conversation_id": self.accepted.conversation_id, **self.ids}
        approval = Approval(id=new_id("e"), status="waiting", created_at=NOW, **asked, **where)
        decided = self.double.approvals.waiting(self.user, approval)
        event = events.ToolApproval(
            **self.double.fact(where["conversation_id"]), **self.ids, approval_id=approval.id, status="waiting", **asked
        )
        await self.double.person.advance(self.user, (conversation_event(self.user, where["conversation_id"]), event))
        await decided.wait()
        await self.tell(events.GenerationRestarted, attempt=2, model="double")
        await self.tell(events.Token, attempt=2, index=0, token="Let me see. ")
        rejected = self.double.approvals.known[approval.id][1].status == "rejected"
        return await self.calls(name, arguments, 2, rejected)


async def list_models(_: ListModels) -> Models:
    return Models(models=[Model(id="double", description="A double.", kind="embedded")])


@asynccontextmanager
async def memory_double(bus: Bus) -> AsyncGenerator[MemoryDouble]:
    """Answers until the context is left."""
    double = MemoryDouble(bus)
    async with bus.answer("memory", "0", double.answers()), bus.answer("inference", "0", [Answer(LIST_MODELS, list_models)]):
        try:
            yield double
        finally:
            await double.person.close()
            for task in list(double.tasks):
                task.cancel()
            await asyncio.gather(*double.tasks, return_exceptions=True)
