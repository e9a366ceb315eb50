"""What every event is."""

from datetime import datetime
from typing import ClassVar

from shared.contract.base import Message


class Event(Message):
    """A fact. `id` is its own (two deliveries of one fact have the same), `version` the user's state it led to."""

    type_name: ClassVar[str] = ""

    id: str
    at: datetime
    version: int | None = None


class ConversationEvent(Event):
    """A fact of one conversation."""

    conversation_id: str
