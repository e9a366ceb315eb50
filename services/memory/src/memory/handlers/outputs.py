"""What final outputs ask for, carried out in the transaction that stores them; and outputs that were made elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Self

import structlog

from memory.action import Order, Request, requested
from memory.audit import Act, hash_of
from memory.generation import Generation
from memory.handlers import auditing, calendar, digests, memories, notes, tasks
from memory.handlers.repetition import change_once
from memory.message import Filling, shown
from memory.records import conversations, messages
from memory.records import digests as digest_records
from memory.transaction import Transaction
from memory.turn import output_conversation, output_message
from shared.contract.account import StoredOutput, StoreOutput
from shared.contract.events import ActionCreated, ConversationCreated, MessageCompleted, MessageCreated
from shared.contract.objects import ChatMessage, Conversation
from shared.contract.person import CalendarEvent, DoneAction, Note, PinnedMemory, Task
from shared.contract.state import KeepEvent
from shared.contract.streams import MAX_MESSAGE_BYTES
from shared.errors import Refused, TooLarge

log: structlog.stdlib.BoundLogger = structlog.get_logger()

LARGEST: Final = MAX_MESSAGE_BYTES - 128 * 1024
"""Bytes of an output's text as JSON: with what it asked for it has to fit into one event."""

Made = Task | Note | PinnedMemory | CalendarEvent


@dataclass(frozen=True, slots=True)
class Source:
    """Which output asks."""

    user: str
    conversation_id: str
    message_id: str
    generation_id: str | None

    @classmethod
    def of(cls, generation: Generation) -> Self:
        """The answer that this generation fills in."""
        return cls(generation.user, generation.conversation_id, generation.answer_id, generation.id)


@dataclass(slots=True)
class Carried:
    """What came of a request."""

    made: list[Made] = field(default_factory=list[Made])
    done: list[DoneAction] = field(default_factory=list[DoneAction])
    refused: list[str] = field(default_factory=list[str])

    @property
    def ids(self) -> tuple[str, ...]:
        """Of everything it made or changed."""
        return tuple(action.object_id for action in self.done)

    def of(self, kind: type[Any]) -> list[Any]:
        """What it made of this kind."""
        return [made for made in self.made if isinstance(made, kind)]


def _complete(tx: Transaction, change: Any, _: str | None) -> Task:
    return tasks.complete(tx, change)


def _enter(tx: Transaction, change: KeepEvent, generation_id: str | None) -> CalendarEvent:
    return calendar.keep(tx, change, generation_id).event


_DEEDS: Final[dict[str, Callable[[Transaction, Any, str | None], Made]]] = {
    "create_task": tasks.add,
    "complete_task": _complete,
    "create_note": notes.add,
    "pin_memory": memories.pin,
    "create_event": _enter,
}


def carry_out(tx: Transaction, request: Request, source: Source) -> Carried:
    """Does what can be done and tells of it; what is refused is skipped, and never undoes the output."""
    carried = Carried()
    for reason in request.skipped:
        log.info("action.skipped", reason=reason)
        carried.refused.append(f"An action was skipped: {reason.replace('_', ' ')}.")
    for order in request.orders:
        try:
            made, done = do(tx, order, source)
        except Refused as refusal:
            log.info("action.refused", action=order.name, code=refusal.code)
            carried.refused.append(str(refusal))
            continue
        carried.made.append(made)
        carried.done.append(done)
    return carried


def do(tx: Transaction, order: Order, source: Source) -> tuple[Made, DoneAction]:
    """Carries one action out and tells of it. Raises what its call refuses it with."""
    made = _DEEDS[order.name](tx, order.change, source.generation_id)
    return made, _told(tx, order, source, made.id)


def _told(tx: Transaction, order: Order, source: Source, object_id: str) -> DoneAction:
    fact = ActionCreated(
        **tx.stamp(source.user),
        conversation_id=source.conversation_id,
        event=order.name,
        payload=order.payload,
        generation_id=source.generation_id,
        message_id=source.message_id,
        object_id=object_id,
    )
    tx.tell(source.user, fact)
    return DoneAction(event=order.name, payload=order.payload, object_id=object_id)


# --- an output that was made elsewhere -------------------------------------------------------------------------------


def store_output(tx: Transaction, question: StoreOutput) -> StoredOutput:
    """Stores a final output with all that it asks for."""
    return change_once(tx, "store_output", question, StoredOutput, lambda: _store(tx, question))


def _store(tx: Transaction, question: StoreOutput) -> StoredOutput:
    conversation = _conversation(tx, question)
    pending = output_message(conversation, tx.new_id, tx.at)
    source = Source(question.user, conversation.id, pending.id, pending.generation_id)
    _begin(tx, question.user, pending)
    request = requested(question.user, question.text, question.actions)
    carried = carry_out(tx, request, source)
    message = _finish(tx, question, pending, carried)
    _remember(tx, question, message, request.summary, carried)
    return StoredOutput(
        message=message,
        conversation_id=conversation.id,
        tasks=carried.of(Task),
        notes=carried.of(Note),
        pinned_memories=carried.of(PinnedMemory),
        calendar=carried.of(CalendarEvent),
        actions=carried.done,
        refused=carried.refused,
    )


def _conversation(tx: Transaction, question: StoreOutput) -> Conversation:
    if question.conversation_id is not None:
        return conversations.get(tx.connection, question.user, question.conversation_id)
    new, user = output_conversation(question.text, tx.new_id, tx.at), question.user
    conversations.keep(tx.connection, user, new, tx.version(user))
    tx.tell(user, ConversationCreated(**tx.stamp(user), conversation_id=new.id, conversation=new))
    return new


def _begin(tx: Transaction, user: str, pending: ChatMessage) -> None:
    messages.keep(tx.connection, user, [pending], tx.version(user))
    conversations.move_head(tx.connection, pending.conversation_id, pending.id, tx.version(user), tx.micros)
    tx.tell(user, MessageCreated(**tx.stamp(user), conversation_id=pending.conversation_id, message=shown(pending)))
    tx.touch(user, "conversations", "messages")


def _finish(tx: Transaction, question: StoreOutput, pending: ChatMessage, carried: Carried) -> ChatMessage:
    user = question.user
    filling = Filling("completed", question.text, "stop", question.model, question.usage, actions=tuple(carried.done))
    message = messages.end(tx.connection, pending.id, tx.version(user), filling)
    fact = MessageCompleted(
        **tx.stamp(user),
        conversation_id=message.conversation_id,
        generation_id=message.generation_id or "",
        message_id=message.id,
        message=message,
        usage=message.usage,
        model=message.model,
    )
    if len(fact.encode()) > LARGEST:
        raise TooLarge
    tx.tell(user, fact)
    return message


def _remember(tx: Transaction, question: StoreOutput, message: ChatMessage, summary: str | None, carried: Carried) -> None:
    """The summary, the audit, and the title that the conversation may need."""
    conversation_id = message.conversation_id
    if told := question.summary or summary:
        digests.keep_summary(tx, conversation_id, told, message.id)
    hashes = question.prompt_hash, question.output_hash or hash_of(question.text)
    act = Act("output.stored", question.asked_by, conversation_id, None, message.id, question.model, *hashes, carried.ids)
    auditing.keep(tx, question.user, act)
    if standing := digest_records.standing(tx.connection, conversation_id):
        digests.order(tx, conversation_id, standing, crowded=False)
