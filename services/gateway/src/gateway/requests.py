"""What clients may send, field by field. Unknown fields and wrong types are refused."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from gateway.settings import GatewaySettings
from shared.contract.memory import SendMessage
from shared.contract.objects import Attachment, Channel, IfBusy
from shared.errors import IdempotencyMismatch, TooLarge
from shared.ids import Id

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_id(text: str) -> bool:
    """Whether this can be an id made by a server of ours."""
    return _ID.fullmatch(text) is not None


def not_blank(text: str) -> str:
    """The text, if there is anything in it. Raises ValueError."""
    if not text.strip():
        raise ValueError("must not be empty")
    return text


Text = Annotated[str, AfterValidator(not_blank)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
MAX_KEY_LENGTH = 255
Key = Annotated[str, Field(min_length=1, max_length=MAX_KEY_LENGTH)]


class Request(BaseModel):
    """The base of all bodies: camelCase, strict, nothing unknown."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


class PostMessage(Request):
    """A message of the user."""

    text: Text
    conversation_id: Id | None = None
    channel: Channel = "chat"
    context_ids: list[Id] = Field(default_factory=list[str], max_length=64)
    persona: Name | None = None
    model: Name | None = None
    language: Annotated[str, Field(min_length=1, max_length=35)] | None = None
    intent: Name | None = None
    attachments: list[Attachment] = Field(default_factory=list[Attachment], max_length=16)
    client_message_id: Key | None = None
    last_seen: Id | None = None
    if_busy: IfBusy = "queue"
    user_id: str | None = None

    def order(self, user: str, key: str | None = None) -> SendMessage:
        """What memory is asked to do. `key` comes from the Idempotency-Key header. Raises IdempotencyMismatch."""
        fields = {
            name: getattr(self, name) for name in PostMessage.model_fields if name not in {"user_id", "client_message_id"}
        }
        return SendMessage(user=user, client_message_id=one_key(key, self.client_message_id), **fields)


class Chat(Request):
    """The short form of a message."""

    message: Text
    conversation_id: Id | None = None
    persona: Name | None = None
    model: Name | None = None
    client_message_id: Key | None = None
    user_id: str | None = None

    def order(self, user: str, key: str | None = None) -> SendMessage:
        """What memory is asked to do."""
        return SendMessage(
            user=user,
            text=self.message,
            conversation_id=self.conversation_id,
            persona=self.persona,
            model=self.model,
            client_message_id=one_key(key, self.client_message_id),
        )


class ClassicMessage(Request):
    """A message of a front end that knows chats and clients. `clientId` is its own name for itself."""

    text: Text
    client_id: Name | None = None
    chat_id: Id | None = None
    persona: Name | None = None

    def order(self, user: str, key: str | None = None) -> SendMessage:
        """What memory is asked to do."""
        return SendMessage(user=user, text=self.text, conversation_id=self.chat_id, persona=self.persona, client_message_id=key)


class Stop(Request):
    """Stop one generation, or all of the conversation."""

    generation_id: Id | None = None


class RegenerateMessage(Request):
    """Answer again."""

    message_id: Id
    client_message_id: Key | None = None


class Edit(Request):
    """The new text of a user message."""

    text: Text
    client_message_id: Key | None = None


class NewConversation(Request):
    """An empty conversation."""

    title: Name | None = None
    persona: Name | None = None
    temporary: bool = False


class ChangeConversation(Request):
    """What to change; what is absent stays."""

    title: Name | None = None
    persona: Name | None = None
    temporary: bool | None = None
    head_id: Id | None = None


class Clear(Request):
    """What to clear: one conversation, or everything."""

    conversation_id: Id | None = None


def one_key(header: str | None, field: str | None) -> str | None:
    """The idempotency key, from the header or from the body. Raises IdempotencyMismatch when they differ."""
    if header is not None and field is not None and header != field:
        raise IdempotencyMismatch("The Idempotency-Key header and clientMessageId differ.")
    return header if header is not None else field


def check_size(order: SendMessage, settings: GatewaySettings) -> None:
    """Raises TooLarge."""
    if len(order.text.encode()) > settings.text_bytes:
        raise TooLarge("The text is too long.", limit=settings.text_bytes)
    if any(len(attachment.text.encode()) > settings.attachment_bytes for attachment in order.attachments):
        raise TooLarge("An attachment is too large.", limit=settings.attachment_bytes)
