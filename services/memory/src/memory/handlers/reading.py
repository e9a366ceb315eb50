"""Questions that change nothing, each answered from one snapshot."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from memory.message import fitting
from memory.paging import bounded, conversation_cursor, parse_conversation_cursor
from memory.ports import Finder
from memory.records import conversations, generations, messages
from memory.settings import MemorySettings
from shared.contract.memory import (
    Conversations,
    GetConversation,
    ListConversations,
    ListMessages,
    Messages,
    OpenStream,
    StreamOpening,
)
from shared.contract.objects import ChatMessage, Conversation

REPORT_AGE = timedelta(seconds=30)
"""A gateway that has been silent for longer is gone, and its sessions with it: it reports every 10 s."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A consistent view of the database, at a moment."""

    connection: Connection
    at: datetime
    limits: MemorySettings
    finder: Finder | None = None


def list_conversations(view: Snapshot, question: ListConversations) -> Conversations:
    """A page of conversations, the last changed first."""
    limit = bounded(question.limit)
    after = parse_conversation_cursor(question.cursor)
    found = conversations.page(view.connection, question.user, after, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return Conversations(
        conversations=[conversation for conversation, _ in found[:limit]],
        next=None if last is None else conversation_cursor(last[1], last[0].id),
    )


def get_conversation(view: Snapshot, question: GetConversation) -> Conversation:
    """One conversation."""
    return conversations.get(view.connection, question.user, question.conversation_id)


def list_messages(view: Snapshot, question: ListMessages) -> Messages:
    """A page of a conversation's messages, oldest first."""
    conversation = conversations.get(view.connection, question.user, question.conversation_id)
    limit = bounded(question.limit)
    read = _branch if question.branch else _tree
    found = read(view, question, conversation, limit + 1)
    page = fitting(found, limit, view.limits.page_bytes)
    more = len(page) < len(found)
    return Messages(messages=page, next=page[0].id if more else None)


def _branch(view: Snapshot, question: ListMessages, conversation: Conversation, limit: int) -> list[ChatMessage]:
    head = conversation.head_id
    if question.before is not None:
        messages.number(view.connection, conversation.id, question.before)
        head = messages.get(view.connection, question.user, question.before).parent_id
    return messages.branch(view.connection, head, limit) if head is not None else []


def _tree(view: Snapshot, question: ListMessages, conversation: Conversation, limit: int) -> list[ChatMessage]:
    before = messages.NEWEST
    if question.before is not None:
        before = messages.number(view.connection, conversation.id, question.before)
    return messages.all_before(view.connection, conversation.id, before, limit)


def open_stream(view: Snapshot, question: OpenStream) -> StreamOpening:
    """What a reader has to know who wants to follow a conversation, or everything."""
    user, until, named = question.user, question.until, question.conversation_id
    if named is None:
        return StreamOpening(
            until_ended=until is not None and _has_ended(view, _conversation_of(view, user, until), user, until)
        )
    conversation = conversations.get(view.connection, user, named)
    ended = until is not None and _has_ended(view, conversation, user, until)
    return StreamOpening(running_generation_id=conversation.running_generation_id, until_ended=ended)


def _conversation_of(view: Snapshot, user: str, message_id: str) -> Conversation:
    return conversations.get(view.connection, user, messages.get(view.connection, user, message_id).conversation_id)


def _has_ended(view: Snapshot, conversation: Conversation, user: str, message_id: str) -> bool:
    messages.number(view.connection, conversation.id, message_id)
    message = messages.get(view.connection, user, message_id)
    if message.role == "assistant":
        return message.status not in ("pending", "streaming")
    answer = generations.newest_answer_to(view.connection, conversation.id, message.id)
    return answer is None or not answer.open
