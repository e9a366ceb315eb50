"""One change of a user's state as it is made: a connection, one moment for all its rows, and what it will tell."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection

from memory.clock import micros
from memory.outbox import Letter, Mail
from memory.ports import Finder
from memory.records import log, users
from memory.settings import MemorySettings
from shared.contract.base import Message
from shared.contract.event import ConversationEvent, Event
from shared.contract.events import StateUpdated, TranscriptEvent
from shared.contract.inference import DIGEST, GENERATE, Digest, DigestKind, Generate
from shared.contract.speech import TRANSCRIBE, Transcribe
from shared.contract.subjects import StateKind, Subject, conversation_event, state_event, transcript_event
from shared.contract.workflow import ARRANGE, Arrange
from shared.ids import Kind, NewId


@dataclass(slots=True)
class Transaction:
    """Handed to every handler that writes. `close` keeps the events and letters in the same transaction."""

    connection: Connection
    at: datetime
    ticks: float
    limits: MemorySettings
    new_id: NewId
    finder: Finder | None = None
    _versions: dict[str, int] = field(default_factory=dict[str, int])
    _moments: dict[str, int] = field(default_factory=dict[str, int])
    _changed: dict[str, set[StateKind]] = field(default_factory=dict[str, set[StateKind]])
    _events: list[log.Logged] = field(default_factory=list[log.Logged])
    _letters: list[Letter] = field(default_factory=list[Letter])
    _removed: list[log.Gone] = field(default_factory=list[log.Gone])
    _stops: list[str] = field(default_factory=list[str])

    @property
    def micros(self) -> int:
        """The moment as it is stored."""
        return micros(self.at)

    def id(self, kind: Kind) -> str:
        """A new id."""
        return self.new_id(kind)

    def version(self, user: str) -> int:
        """The version that this transaction leads to; it grows by one, however much changes."""
        if user not in self._versions:
            self._versions[user], self._moments[user] = users.next_version(self.connection, user, self.micros)
        return self._versions[user]

    def stamp(self, user: str) -> dict[str, Any]:
        """What every event begins with."""
        return {"id": self.new_id("e"), "at": self.at, "version": self.version(user)}

    def tell(self, user: str, event: ConversationEvent) -> None:
        """A fact of a conversation."""
        self._write(user, conversation_event(user, event.conversation_id), event, event.conversation_id)

    def tell_state(self, user: str, kind: StateKind, event: Event) -> None:
        """A fact of this user's state."""
        self._write(user, state_event(user, kind), event, None)
        self.touch(user, kind)

    def tell_transcript(self, user: str, event: TranscriptEvent) -> None:
        """A fact of a transcript, which is no part of the state."""
        self._write(user, transcript_event(user, event.transcript_id), event, None)

    def remove(self, user: str, kind: StateKind, object_id: str) -> None:
        """This object is gone: whoever asks what has changed since must hear of it."""
        self._removed.append(log.Gone(user, self.version(user), kind, object_id, self.micros))

    def touch(self, user: str, *kinds: StateKind) -> None:
        """Parts of the user's state have changed: told once, after everything else."""
        self.version(user)
        self._changed.setdefault(user, set()).update(kinds)

    def order(self, user: str, conversation_id: str, generation_id: str) -> None:
        """A worker shall produce this answer."""
        order = Generate(generation_id=generation_id, user=user, conversation_id=conversation_id)
        self._order(user, GENERATE.subject(user), order)

    def order_digest(self, user: str, conversation_id: str, kind: DigestKind) -> None:
        """A worker shall make a title or a summary, when it has time."""
        self._order(user, DIGEST.subject(user), Digest(user=user, conversation_id=conversation_id, kind=kind))

    def arrange(self, user: str) -> None:
        """The schedules that this user's preferences ask for shall be looked at."""
        self._order(user, ARRANGE.subject(user), Arrange(user=user))

    def order_transcript(self, user: str, transcript_id: str) -> None:
        """A worker shall make this transcript."""
        self._order(user, TRANSCRIBE.subject(user), Transcribe(transcript_id=transcript_id, user=user))

    def _order(self, user: str, subject: Subject, order: Message) -> None:
        version = self._versions.get(user, 0)
        self._letters.append(Letter(self.new_id("e"), user, version, "order", subject, "", order.encode()))

    def stop(self, generation_id: str) -> None:
        """Its worker shall hear at once that somebody asked to stop it."""
        self._stops.append(generation_id)

    def close(self) -> Mail:
        """Keeps what was told; answers with what is to be sent after the commit."""
        for user in self._versions:  # the last event of each version
            changed = sorted(self._changed.get(user, ()))
            event = StateUpdated(**self.stamp(user), changed=cast("list[str]", changed))
            self._write(user, state_event(user, "version"), event, None)
        log.keep_events(self.connection, self._events, self._moments)
        log.keep_removed(self.connection, self._removed)
        log.keep_letters(self.connection, self._letters)
        return Mail(tuple(self._letters), tuple(self._stops))

    def _write(self, user: str, subject: Subject, event: Event, conversation_id: str | None) -> None:
        data = event.encode()
        version = self.version(user)
        self._events.append(log.Logged(user, version, len(self._events), conversation_id, event.type_name, data))
        self._letters.append(Letter(event.id, user, version, "fact", subject, event.type_name, data))
