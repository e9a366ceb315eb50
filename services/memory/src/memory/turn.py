"""What one message brings into being: the message, the empty answer that follows it, and the generation that fills it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from memory.demands import demands_of
from memory.generation import Generation
from memory.message import title_of
from shared.contract.memory import SendMessage
from shared.contract.objects import Attachment, Channel, ChatMessage, Conversation, PromptMessage
from shared.ids import NewId


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an answer is to be made."""

    model: str | None = None
    persona: str | None = None
    language: str | None = None
    sampling: str = "{}"
    demands: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """New messages in order, the last one the pending answer; and its generation."""

    written: tuple[ChatMessage, ...]
    generation: Generation

    @property
    def asked(self) -> str:
        """The new words that are answered; none when an old message is answered again."""
        return self.written[-2].text if len(self.written) > 1 else ""

    @property
    def answer(self) -> ChatMessage:
        """The empty assistant message."""
        return self.written[-1]


def wanted(question: SendMessage, persona: str | None) -> Wanted:
    """What this message asks for; the conversation's persona unless it names one."""
    sampling = question.sampling.encode().decode()
    return Wanted(question.model, question.persona or persona, question.language, sampling, demands_of(question))


def wanted_again(generation: Generation | None, persona: str | None) -> Wanted:
    """What the answer before asked for."""
    if generation is None:
        return Wanted(persona=persona)
    return Wanted(generation.model, generation.persona, generation.language, generation.sampling, generation.demands)


def new_conversation(question: SendMessage, new_id: NewId, at: datetime) -> Conversation:
    """The conversation that begins with this message."""
    return Conversation(
        id=new_id("c"),
        title=title_of(question.text),
        persona=question.persona,
        temporary=question.temporary,
        created_at=at,
        updated_at=at,
    )


def brought_along(
    history: Sequence[PromptMessage], conversation_id: str, parent_id: str | None, new_id: NewId, at: datetime
) -> tuple[ChatMessage, ...]:
    """Messages that the client had elsewhere, each after the one before, the first after `parent_id`."""
    messages: list[ChatMessage] = []
    for message in history:
        parent = messages[-1].id if messages else parent_id
        messages.append(
            ChatMessage(
                id=new_id("m"),
                conversation_id=conversation_id,
                parent_id=parent,
                role=message.role,
                text=message.text,
                status="completed",
                tool_calls=[call.wire() for call in message.tool_calls] if message.tool_calls else None,
                tool_call_id=message.tool_call_id,
                name=message.name,
                created_at=at,
            )
        )
    return tuple(messages)


def user_message(
    conversation_id: str,
    parent_id: str | None,
    text: str,
    new_id: NewId,
    at: datetime,
    attachments: list[Attachment] | None = None,
    channel: Channel | None = None,
    client_message_id: str | None = None,
) -> ChatMessage:
    """What the user wrote."""
    return ChatMessage(
        id=new_id("m"),
        conversation_id=conversation_id,
        parent_id=parent_id,
        role="user",
        text=text,
        status="completed",
        attachments=attachments or None,
        channel=channel,
        client_message_id=client_message_id,
        created_at=at,
    )


def turn(user: str, asked: ChatMessage, before: tuple[ChatMessage, ...], want: Wanted, new_id: NewId, at: datetime) -> Turn:
    """An answer to `asked`. `before` are the messages that are new as well."""
    generation_id, answer_id = new_id("g"), new_id("m")
    answer = ChatMessage(
        id=answer_id,
        conversation_id=asked.conversation_id,
        parent_id=asked.id,
        role="assistant",
        text="",
        status="pending",
        generation_id=generation_id,
        created_at=at,
    )
    generation = Generation(
        seq=0,
        id=generation_id,
        conversation_id=asked.conversation_id,
        user=user,
        user_message_id=asked.id,
        answer_id=answer_id,
        status="queued",
        epoch=0,
        lease_until=0.0,
        stop_requested=False,
        model=want.model,
        persona=want.persona,
        language=want.language,
        sampling=want.sampling,
        demands=want.demands,
    )
    return Turn((*before, answer), generation)


def output_conversation(text: str, new_id: NewId, at: datetime) -> Conversation:
    """A conversation that begins with an output that nobody asked for here."""
    return Conversation(id=new_id("c"), title=title_of(text), created_at=at, updated_at=at)


def output_message(conversation: Conversation, new_id: NewId, at: datetime) -> ChatMessage:
    """The message that such an output fills in. Its generation is only a name: readers know the end of an answer by it."""
    return ChatMessage(
        id=new_id("m"),
        conversation_id=conversation.id,
        parent_id=conversation.head_id,
        role="assistant",
        text="",
        status="pending",
        generation_id=new_id("g"),
        created_at=at,
    )
