"""Every subject. Built by these functions and nowhere else; no string that a client sent is ever part of one."""

from dataclasses import dataclass
from typing import Literal, NewType

from shared.ids import SHARDS, shard_of, user_token

Subject = NewType("Subject", str)
"""A subject built here. The bus takes nothing else, so a misspelt one is a type error."""

FEED_STREAMS = tuple(f"FEED-{shard:02d}" for shard in range(SHARDS))

StateKind = Literal[
    "conversations",
    "messages",
    "approvals",
    "tasks",
    "notes",
    "memories",
    "plan",
    "calendar",
    "preferences",
    "personas",
    "trips",
    "version",
]


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of one user's feed that can be followed: one conversation, or everything."""

    shard: str
    feed: str
    """Subject filter on the stream, for replay."""

    @property
    def live(self) -> str:
        """Subject filter of what the stream republishes once it is stored."""
        return "live." + self.feed.removeprefix("feed.")

    @property
    def stream(self) -> str:
        """Name of the stream that holds this part."""
        return f"FEED-{self.shard}"


def user_scope(user: str) -> Scope:
    """Everything of this user."""
    token = user_token(user)
    shard = shard_of(token)
    return Scope(shard, f"feed.{shard}.{token}.>")


def conversation_scope(user: str, conversation: str) -> Scope:
    """Facts and tokens of one conversation. The user is part of the subject: somebody else's conversation is empty."""
    token = user_token(user)
    shard = shard_of(token)
    return Scope(shard, f"feed.{shard}.{token}.conversation.{conversation}.>")


def conversation_event(user: str, conversation: str) -> Subject:
    """Where the facts of a conversation go."""
    return Subject(conversation_scope(user, conversation).feed[:-1] + "event")


def token_log(user: str, conversation: str, generation: str) -> Subject:
    """The fenced log of one generation: its start and restarts, tokens, reasoning, tool progress."""
    return Subject(conversation_scope(user, conversation).feed[:-1] + f"token.{generation}")


def state_event(user: str, kind: StateKind) -> Subject:
    """Where changes of a user's state go."""
    return Subject(user_scope(user).feed[:-1] + f"state.{kind}.event")


def job(queue: str, user: str) -> Subject:
    """An order for one worker of `queue`."""
    return Subject(f"job.{queue}.{user_token(user)}")


def dead(queue: str, user_part: str) -> Subject:
    """Where an order that could not be done is kept; `user_part` is the last token of the order's own subject."""
    return Subject(f"dead.{queue}.{user_part}")


def stop_signal(generation: str) -> Subject:
    """Core NATS: stop this generation now. The fact itself is in the database."""
    return Subject(f"control.stop.{generation}")


def live_filter(user: str | None = None, *, tokens: bool = False) -> Subject:
    """What passes by once it is stored: the facts of everybody or of one user, with `tokens` everything else too."""
    scope = user_scope(user).live if user else "live.>"
    if tokens:
        return Subject(scope)
    return Subject(scope.removesuffix(">") + ("*.*.event" if user else "*.*.*.*.event"))


def every_stop_signal() -> Subject:
    """What a worker listens on: one subscription for a process, not one for each generation."""
    return Subject("control.stop.*")


def workflow_event(user: str, workflow: str) -> Subject:
    """Where the progress of a workflow goes."""
    return Subject(user_scope(user).feed[:-1] + f"workflow.{user_token(workflow)}.event")


def transcript_scope(user: str, transcript: str) -> Scope:
    """What is told of one transcript."""
    token = user_token(user)
    shard = shard_of(token)
    return Scope(shard, f"feed.{shard}.{token}.transcript.{transcript}.>")


def transcript_event(user: str, transcript: str) -> Subject:
    """Where the facts of a transcript go."""
    return Subject(transcript_scope(user, transcript).feed[:-1] + "event")


def audio(user: str, transcript: str) -> Subject:
    """Core NATS: live audio, to the one worker that listens to it."""
    return Subject(f"audio.{user_token(user)}.{transcript}")


def heard(user: str, transcript: str) -> Subject:
    """Core NATS: what that worker has understood, to the gateway that sends the audio."""
    return Subject(f"heard.{user_token(user)}.{transcript}")


def blob(user: str, blob_id: str) -> Subject:
    """The pieces of a blob, which belongs to this user. The user comes last, as in an order of any queue."""
    return Subject(f"blob.{blob_id}.{user_token(user)}")


EVERY_BLOB = Subject("blob.*.*")


# Here a caller may have chosen the id, so it is made a token like a user's. The user comes last, as in an order of any queue.


def journal(user: str, workflow: str) -> Subject:
    """The fenced log of a workflow: everything it has done."""
    return Subject(f"journal.{user_token(workflow)}.{user_token(user)}")


def journals_of(user: str) -> Subject:
    """Filter of the journals of all workflows of this user."""
    return Subject(f"journal.*.{user_token(user)}")


def cargo(user: str, workflow: str, name: str = "*") -> Subject:
    """One result of a workflow that is too long for its journal, in pieces; without a name the filter of all of them."""
    return Subject(f"cargo.{name}.{user_token(workflow)}.{user_token(user)}")


def run(user: str, workflow: str) -> Subject:
    """The order to see whether a workflow can go on."""
    return Subject(f"run.{user_token(workflow)}.{user_token(user)}")


def timer(user: str, workflow: str) -> Subject:
    """When a workflow is woken next: JetStream publishes what lies here on `run`. A later one replaces it."""
    return Subject(f"timer.{user_token(workflow)}.{user_token(user)}")


def schedule(user: str, schedule_id: str) -> Subject:
    """What is begun again and again. Only the newest message is kept."""
    return Subject(f"schedule.{user_token(schedule_id)}.{user_token(user)}")


def schedules_of(user: str) -> Subject:
    """Filter of all schedules of this user."""
    return Subject(f"schedule.*.{user_token(user)}")


def tick(user: str, schedule_id: str) -> Subject:
    """The order to do what a schedule says."""
    return Subject(f"tick.{user_token(schedule_id)}.{user_token(user)}")


def alarm(user: str, schedule_id: str) -> Subject:
    """The next moment of a schedule: JetStream publishes what lies here on `tick`."""
    return Subject(f"alarm.{user_token(schedule_id)}.{user_token(user)}")


JOURNAL_SIGNAL = Subject("control.workflow")
"""Core NATS: a journal has grown. Heard by every worker; the one that runs the workflow looks."""


def traces_of(user: str) -> tuple[Subject, ...]:
    """Filters of all that the streams hold of this user: feed, orders, dead letters, workflows."""
    token = user_token(user)
    filters = ("job", "blob", "dead", "schedule", "alarm", "tick", "journal", "timer", "run")
    return Subject(user_scope(user).feed), Subject(f"cargo.*.*.{token}"), *(Subject(f"{first}.*.{token}") for first in filters)


def trace_of(user: str, conversation: str) -> Subject:
    """Filter of all that the feed holds of one conversation."""
    return Subject(conversation_scope(user, conversation).feed)
