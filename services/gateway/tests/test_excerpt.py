"""Which events belong to a turn."""

from datetime import UTC, datetime

from gateway.excerpt import Turn
from shared.contract.event import Event
from shared.contract.events import MessageCreated, Token
from shared.contract.memory import Accepted
from shared.contract.objects import ChatMessage
from shared.stored import Stored

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TURN = Turn(Accepted(conversation_id="c_1", message_id="m_1", answer_id="m_2", generation_id="g_1", queue_position=1))


def has(event: Event) -> bool:
    header = b"NATS/1.0\r\nEvent-Type: %b\r\n\r\n" % event.type_name.encode()
    return TURN.has(Stored(b"x", 1, header, event.encode()))


def created(message: str, text: str = "") -> Event:
    shown = ChatMessage(id=message, conversation_id="c_1", role="user", text=text, status="completed", created_at=NOW)
    return MessageCreated(id="e_1", at=NOW, conversation_id="c_1", message=shown)


def token(generation: str, text: str = "") -> Event:
    ids = {"conversation_id": "c_1", "message_id": "m_9", "generation_id": generation}
    return Token(id="e_1", at=NOW, token=text, attempt=1, index=0, **ids)


def test_its_messages_and_its_tokens_belong_to_it():
    assert has(created("m_1"))
    assert has(created("m_2"))
    assert has(token("g_1"))


def test_what_others_write_about_it_does_not():
    quoted = '"generationId":"g_1" \\"generationId\\":\\"g_1\\" "id":"m_1"'
    assert not has(created("m_3", quoted))
    assert not has(token("g_2", quoted))
    assert not has(token("g_12"))
