"""Every stream and durable consumer, as plain values; `provision.py` makes them so."""

from dataclasses import dataclass
from typing import Literal

from shared.contract.inference import DIGEST, GENERATE
from shared.contract.speech import TRANSCRIBE
from shared.contract.subjects import FEED_STREAMS, Subject
from shared.contract.workflow import ARRANGE, RUN, TICK

DAY = 86_400.0
MIB = 1024 * 1024

TOKEN_TTL_SECONDS = 3_600
"""How long the tokens of an answer can be replayed; the answer itself stays."""

BLOB_SECONDS = 7_200.0
"""How long audio can lie in wait for a worker. Its users erase it long before."""

MAX_MESSAGE_BYTES = 768 * 1024
"""Headers and payload of one NATS message. What is larger goes to the object store or is refused."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream. `share` is its part of the disk budget that the installation gives to JetStream; 0: as much as there is."""

    name: str
    subjects: tuple[str, ...]
    share: float
    retention: Literal["limits", "workqueue"] = "limits"
    max_age: float = 0.0
    republish: tuple[str, str] | None = None
    discard: Literal["old", "new"] = "old"
    message_ttl: bool = False
    schedules: bool = False
    """Whether it takes messages that are to be published at a time."""
    per_subject: int = 0
    """How many messages of one subject it keeps; 0: all."""
    duplicate_window: float = 120.0


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable pull consumer with explicit acks."""

    stream: str
    name: str
    filter: str
    ack_wait: float


def _feed(name: str) -> Stream:
    shard = name.removeprefix("FEED-")
    return Stream(
        name,
        (f"feed.{shard}.>",),
        share=0.6 / len(FEED_STREAMS),
        max_age=7 * DAY,
        republish=(f"feed.{shard}.>", f"live.{shard}.>"),
        message_ttl=True,
        # The outbox repeats what it is not sure of; an outage shorter than this stores nothing twice.
        duplicate_window=3_600.0,
    )


STREAMS: tuple[Stream, ...] = (
    *(_feed(name) for name in FEED_STREAMS),
    Stream("JOBS", ("job.>",), share=0.1, retention="workqueue", discard="new"),
    # Audio until it has been used, which is soon; what is left over goes by itself.
    Stream("BLOBS", ("blob.>",), share=0.1, max_age=BLOB_SECONDS, discard="new"),
    Stream("DEAD", ("dead.>",), share=0.05, max_age=30 * DAY),
    # A stream with message schedules can't discard what is new, and what is old must not be lost: no limit of its own. It holds
    # one timer for each journal, and those are limited.
    Stream("RUNS", ("run.>", "timer.>", "tick.>", "alarm.>"), share=0, retention="workqueue", schedules=True),
    Stream("JOURNAL", ("journal.>",), share=0.08, discard="new", republish=("journal.>", "live.journal.>")),
    Stream("CARGO", ("cargo.>",), share=0.05, discard="new"),
    Stream("SCHEDULES", ("schedule.>",), share=0.01, per_subject=1),
)

CONSUMERS: tuple[Consumer, ...] = (
    *(Consumer("JOBS", queue.name, f"job.{queue.name}.*", queue.ack_wait) for queue in (GENERATE, DIGEST, ARRANGE, TRANSCRIBE)),
    *(Consumer("RUNS", queue.name, f"{queue.name}.*.*", queue.ack_wait) for queue in (RUN, TICK)),
)

_STREAM_OF = {
    "job": "JOBS",
    "blob": "BLOBS",
    "dead": "DEAD",
    "journal": "JOURNAL",
    "cargo": "CARGO",
    "schedule": "SCHEDULES",
    **dict.fromkeys(("run", "timer", "tick", "alarm"), "RUNS"),
}


def stream_of(subject: Subject) -> str:
    """The name of the stream that captures this subject."""
    kind, first, *_ = subject.split(".")
    return f"FEED-{first}" if kind == "feed" else _STREAM_OF[kind]
