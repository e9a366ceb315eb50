"""Conversations made, changed and deleted."""

from collections.abc import Sequence

from memory.handlers import approvals
from memory.handlers.endings import STOPPED, end
from memory.handlers.queueing import let_in
from memory.handlers.repetition import once
from memory.paging import LIMIT
from memory.persona import named
from memory.records import approvals as approval_records
from memory.records import conversations, digests, generations, log, messages
from memory.records.idempotency import Key
from memory.transaction import Transaction
from shared.contract.events import ConversationCreated, ConversationDeleted, ConversationUpdated, MessageCreated
from shared.contract.memory import ClearHistory, CreateConversation, DeleteConversation, Deleted, UpdateConversation
from shared.contract.objects import Conversation

CLEARED_AT_ONCE = 50
"""Conversations that are deleted in one transaction: others must not wait for long."""

SHOWN_AGAIN = 200
"""Messages that are told again when a temporary conversation becomes a lasting one."""


def create_conversation(tx: Transaction, question: CreateConversation) -> Conversation:
    """Makes an empty conversation."""
    key = Key(question.user, "create_conversation", question.client_id) if question.client_id else None
    return once(tx, key, question, Conversation, lambda: _create(tx, question))


def _create(tx: Transaction, question: CreateConversation) -> Conversation:
    conversation = Conversation(
        id=tx.id("c"),
        title=question.title,
        persona=named(tx.connection, question.user, question.persona),
        temporary=question.temporary,
        created_at=tx.at,
        updated_at=tx.at,
    )
    conversations.keep(tx.connection, question.user, conversation, tx.version(question.user))
    if question.title:
        digests.named(tx.connection, conversation.id, "user")
    stamp = tx.stamp(question.user)
    tx.tell(question.user, ConversationCreated(**stamp, conversation_id=conversation.id, conversation=conversation))
    tx.touch(question.user, "conversations")
    return conversation


def update_conversation(tx: Transaction, question: UpdateConversation) -> Conversation:
    """Changes what is given of a conversation."""
    old = conversations.get(tx.connection, question.user, question.conversation_id)
    if question.head_id is not None:
        messages.number(tx.connection, old.id, question.head_id)
    given = question.model_dump(include={"title", "temporary", "head_id"}, exclude_none=True)
    if question.persona is not None:
        given["persona"] = named(tx.connection, question.user, question.persona)
    new = old.model_copy(update={**given, "updated_at": tx.at})
    conversations.change(tx.connection, new, tx.version(question.user))
    if question.title is not None:
        digests.named(tx.connection, new.id, "user")
    if old.temporary and not new.temporary:
        _show_again(tx, question.user, new)
    if new.temporary and not old.temporary:
        tx.remove(question.user, "conversations", new.id)
    stamp = tx.stamp(question.user)
    tx.tell(question.user, ConversationUpdated(**stamp, conversation_id=new.id, conversation=new))
    tx.touch(question.user, "conversations")
    return new


def _show_again(tx: Transaction, user: str, conversation: Conversation) -> None:
    """From now on it is part of the state: whoever folds events needs it and its messages. What is told next is its head."""
    stamp = tx.stamp(user)
    tx.tell(user, ConversationCreated(**stamp, conversation_id=conversation.id, conversation=conversation))
    messages.touch(tx.connection, conversation.id, tx.version(user), LIMIT)
    known = messages.all_before(tx.connection, conversation.id, messages.NEWEST, SHOWN_AGAIN)
    for message in reversed(known):
        tx.tell(user, MessageCreated(**tx.stamp(user), conversation_id=conversation.id, message=message))
    for approval in approval_records.waiting(tx.connection, user, LIMIT, conversation.id):
        approvals.tell(tx, user, approval)
    tx.touch(user, "messages")


def delete_conversation(tx: Transaction, question: DeleteConversation) -> Deleted:
    """Deletes a conversation with all that was said in it."""
    conversation = conversations.get(tx.connection, question.user, question.conversation_id)
    return delete_all(tx, question.user, [conversation.id])


def delete_all(tx: Transaction, user: str, ids: Sequence[str]) -> Deleted:
    """Deletes these; their open generations are cancelled first. Late writes of workers meet `lost_lease`."""
    for conversation_id in ids:
        for generation in generations.open_of_conversation(tx.connection, conversation_id):
            end(tx, generation, STOPPED)
            tx.stop(generation.id)
        conversations.drop(tx.connection, conversation_id)
        tx.remove(user, "conversations", conversation_id)
        log.forget_conversation(tx.connection, user, conversation_id)
        tx.tell(user, ConversationDeleted(**tx.stamp(user), conversation_id=conversation_id))
    if ids:
        tx.touch(user, "conversations", "messages")
        let_in(tx, user)
    return Deleted(conversation_ids=list(ids))


def clear_some(tx: Transaction, question: ClearHistory) -> Deleted:
    """Deletes the conversation that is named, or some of all; again until nothing is left to delete."""
    if question.conversation_id is not None:
        conversation = conversations.get(tx.connection, question.user, question.conversation_id)
        return delete_all(tx, question.user, [conversation.id])
    return delete_all(tx, question.user, conversations.ids(tx.connection, question.user, CLEARED_AT_ONCE))
