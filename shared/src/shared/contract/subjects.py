"""Every subject. Built by these functions and nowhere else; no string that a client sent is ever part of one."""

from dataclasses import dataclass
from typing import Literal, NewType

from shared.ids import SHARDS, shard_of, user_token

Subject = NewType("Subject", str)
"""A subject built here. The bus takes nothing else, so a misspelt one is a type error."""

FEED_STREAMS = tuple(f"FEED-{shard:02d}" for shard in range(SHARDS))

StateKind = Literal[
    "conversations", "messages", "tasks", "notes", "memories", "plan", "calendar", "preferences", "personas", "version"
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


def traces_of(user: str) -> tuple[Subject, ...]:
    """Filters of all that the streams hold of this user: feed, orders, dead letters."""
    token = user_token(user)
    return Subject(user_scope(user).feed), Subject(f"job.*.{token}"), Subject(f"dead.*.{token}")


def trace_of(user: str, conversation: str) -> Subject:
    """Filter of all that the feed holds of one conversation."""
    return Subject(conversation_scope(user, conversation).feed)
