"""A turn from the user's side: send, regenerate, edit, stop."""

import json

from memory.generation import Generation, admit, refuse_too_many
from memory.handlers import budgets
from memory.handlers.endings import move_up, stop
from memory.handlers.queueing import let_in, order, tell_place
from memory.handlers.repetition import accepted_once
from memory.message import fitting, shown
from memory.persona import named
from memory.records import conversations, generations, known, messages
from memory.transaction import Transaction
from memory.turn import Turn, brought_along, new_conversation, turn, user_message, wanted, wanted_again
from shared.contract.events import ConversationCreated, MessageCreated
from shared.contract.memory import Accepted, EditMessage, Regenerate, SendMessage, StopGeneration, Stopping
from shared.contract.objects import ChatMessage, Conversation
from shared.errors import Invalid, Stale, UnknownGeneration
from shared.ids import NewId, chat_ids

MISSED = 50
"""How many missed messages a stale device is shown at most."""


def send_message(tx: Transaction, question: SendMessage) -> Accepted:
    """Stores a user message and queues its answer. Raises UnknownNote, UnknownPersona when what it names is not there."""

    def send() -> Accepted:
        known.check_notes(tx.connection, question.user, question.context_ids)
        if question.persona is None:
            return _placed(tx, question)
        persona = named(tx.connection, question.user, question.persona)
        return _placed(tx, question.model_copy(update={"persona": persona}))

    return accepted_once(tx, "send_message", question, send)


def _placed(tx: Transaction, question: SendMessage) -> Accepted:
    """In the conversation it names, in the one that its client calls so, or in a new one."""
    if question.conversation_id is not None:
        return _continue(tx, question)
    if question.chat is None:
        return _begin(tx, question, tx.new_id)
    meant = chat_ids(question.user, question.chat)
    for known_id in meant:
        if conversations.exists(tx.connection, question.user, known_id):
            return _continue(tx, question.model_copy(update={"conversation_id": known_id}))
    return _begin(tx, question, lambda kind: meant[-1] if kind == "c" else tx.new_id(kind))


def _begin(tx: Transaction, question: SendMessage, new_id: NewId) -> Accepted:
    opened = len(generations.open_of_user(tx.connection, question.user))
    refuse_too_many(opened, tx.limits.open_generations)
    conversation = new_conversation(question, new_id, tx.at)
    history = brought_along(question.history, conversation.id, None, tx.new_id, tx.at)
    new = _turn_of(tx, question, conversation, history)
    placed = conversation.model_copy(update={"head_id": new.answer.id})
    conversations.keep(tx.connection, question.user, placed, tx.version(question.user))
    event = ConversationCreated(**tx.stamp(question.user), conversation_id=conversation.id, conversation=conversation)
    tx.tell(question.user, event)
    # Who brought a history along for one answer knows it; nobody else ever sees a temporary conversation.
    quiet = len(history) if conversation.temporary else 0
    _keep_turn(tx, new, question, quiet)
    return _queue(tx, new, [], opened)


def _continue(tx: Transaction, question: SendMessage) -> Accepted:
    conversation = conversations.get(tx.connection, question.user, question.conversation_id or "")
    if any(message.role != "tool" for message in question.history):
        raise Invalid("A history can only begin a new conversation.")
    _refuse_stale(tx, conversation, question.last_seen)
    opened = generations.open_of_user(tx.connection, question.user)
    here = [generation for generation in opened if generation.conversation_id == conversation.id]
    admission = admit(question.if_busy, here)
    refuse_too_many(len(opened) - len(admission.cancel), tx.limits.open_generations)
    results = brought_along(question.history, conversation.id, conversation.head_id, tx.new_id, tx.at)
    new = _turn_of(tx, question, conversation, results)
    if question.if_busy == "interrupt":
        stop(tx, here)
        here = list(admission.stop)
    _move_head(tx, question.user, new)
    _keep_turn(tx, new, question)
    accepted = _queue(tx, new, here, len(opened))
    if admission.cancel:
        let_in(tx, question.user)
    return accepted


def _turn_of(tx: Transaction, question: SendMessage, conversation: Conversation, history: tuple[ChatMessage, ...]) -> Turn:
    parent = history[-1].id if history else conversation.head_id
    asked = user_message(
        conversation.id,
        parent,
        question.text,
        tx.new_id,
        tx.at,
        question.attachments,
        question.channel,
        question.client_message_id,
    )
    if question.role == "tool":
        asked = asked.model_copy(update={"role": "tool", "tool_call_id": question.tool_call_id})
    if question.name is not None:
        asked = asked.model_copy(update={"name": question.name})
    return turn(question.user, asked, (*history, asked), wanted(question, conversation.persona), tx.new_id, tx.at)


def _refuse_stale(tx: Transaction, conversation: Conversation, last_seen: str | None) -> None:
    if last_seen is None:
        return
    seen = messages.number(tx.connection, conversation.id, last_seen)
    missed = messages.since(tx.connection, conversation.id, seen, MISSED)
    if any(message.role == "user" for message in missed):
        page = fitting(missed, MISSED, tx.limits.page_bytes)
        raise Stale(messages=[message.wire() for message in page])


def _keep_turn(tx: Transaction, new: Turn, question: SendMessage | None = None, quiet: int = 0) -> None:
    """Stores messages and generation, and tells of them; of the first `quiet` ones it does not."""
    user = new.generation.user
    context = json.dumps(question.context_ids) if question and question.context_ids else None
    messages.keep(tx.connection, user, new.written, tx.version(user), context, question.intent if question else None)
    generations.keep(tx.connection, budgets.reserve(tx, new.generation, new.asked), tx.micros, tx.ticks)
    for message in new.written[quiet:]:
        tx.tell(
            user,
            MessageCreated(
                **tx.stamp(user),
                conversation_id=message.conversation_id,
                message=shown(message),
                client_message_id=message.client_message_id,
            ),
        )
    tx.touch(user, "conversations", "messages")


def _move_head(tx: Transaction, user: str, new: Turn) -> None:
    answer = new.answer
    conversations.move_head(tx.connection, answer.conversation_id, answer.id, tx.version(user), tx.micros)


def _queue(tx: Transaction, new: Turn, ahead: list[Generation], others: int) -> Accepted:
    generation, place = new.generation, len(ahead)
    if ahead:
        tell_place(tx, generation, place)
    else:
        place = order(tx, generation, others)
    return Accepted(
        conversation_id=generation.conversation_id,
        message_id=generation.user_message_id,
        answer_id=generation.answer_id,
        generation_id=generation.id,
        queue_position=place,
    )


def regenerate(tx: Transaction, question: Regenerate) -> Accepted:
    """Answers a user message again, as a sibling of the old answer."""
    return accepted_once(tx, "regenerate", question, lambda: _regenerate(tx, question))


def _regenerate(tx: Transaction, question: Regenerate) -> Accepted:
    conversation = conversations.get(tx.connection, question.user, question.conversation_id)
    messages.number(tx.connection, conversation.id, question.message_id)
    asked = messages.get(tx.connection, question.user, question.message_id)
    if asked.role == "assistant" and asked.parent_id is not None:
        asked = messages.get(tx.connection, question.user, asked.parent_id)
    if asked.role not in ("user", "tool"):
        raise Invalid("There is no user message that this answers.")
    return _answer_again(tx, question.user, conversation, asked, asked, ())


def edit_message(tx: Transaction, question: EditMessage) -> Accepted:
    """Puts a changed user message beside the old one, and answers it."""
    return accepted_once(tx, "edit_message", question, lambda: _edit(tx, question))


def _edit(tx: Transaction, question: EditMessage) -> Accepted:
    old = messages.get(tx.connection, question.user, question.message_id)
    if old.role != "user":
        raise Invalid("Only a user message can be edited.")
    conversation = conversations.get(tx.connection, question.user, old.conversation_id)
    attachments = messages.whole_attachments(tx.connection, old.id)
    key = question.client_message_id
    new = user_message(conversation.id, old.parent_id, question.text, tx.new_id, tx.at, attachments, old.channel, key)
    return _answer_again(tx, question.user, conversation, old, new, (new,))


def _answer_again(
    tx: Transaction,
    user: str,
    conversation: Conversation,
    before: ChatMessage,
    asked: ChatMessage,
    written: tuple[ChatMessage, ...],
) -> Accepted:
    """Answers `asked` the way `before` was answered. `written` is what of it is new."""
    opened = generations.open_of_user(tx.connection, user)
    refuse_too_many(len(opened), tx.limits.open_generations)
    last = generations.newest_answer_to(tx.connection, conversation.id, before.id)
    new = turn(user, asked, written, wanted_again(last, conversation.persona), tx.new_id, tx.at)
    _move_head(tx, user, new)
    _keep_turn(tx, new)
    return _queue(tx, new, [one for one in opened if one.conversation_id == conversation.id], len(opened))


def stop_generation(tx: Transaction, question: StopGeneration) -> Stopping:
    """Stops one open generation of a conversation, or all of them."""
    conversation = conversations.get(tx.connection, question.user, question.conversation_id)
    opened = generations.open_of_conversation(tx.connection, conversation.id)
    targets = opened
    if question.generation_id is not None:
        if generations.get(tx.connection, question.generation_id).conversation_id != conversation.id:
            raise UnknownGeneration
        targets = [generation for generation in opened if generation.id == question.generation_id]
    move_up(tx, opened, stop(tx, targets))
    return Stopping(generation_ids=[generation.id for generation in targets])
