"""What each NATS user may publish and hear: an allow list, the least that its service needs (S6)."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from shared.contract import account, acting, budget, knowledge, memory, speech, state, travel, workflow
from shared.contract.inference import COMPLETE, DIGEST, GENERATE, LIST_MODELS
from shared.contract.subjects import FEED_STREAMS, JOURNAL_SIGNAL
from shared.contract.topics import Call, Queue
from shared.contract.workflow import ARRANGE, RUN, TICK

User = Literal["gateway", "memory", "inference", "transcribe", "workflow", "analytics", "admin"]
USERS: tuple[User, ...] = get_args(User)


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects that a user may publish and subscribe. `answers`: it may also answer what it was asked."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool = False


def inbox_prefix(user: str) -> str:
    """The prefix of this user's own inboxes: nobody else can listen to them."""
    return f"_INBOX_{user}"


def _service(user: User, publish: tuple[str, ...] = (), subscribe: tuple[str, ...] = ()) -> Permissions:
    # Publishing to its own inbox is how a service finds out that its connection still hears (T3).
    own = inbox_prefix(user) + ".>"
    return Permissions((own, *publish), (own, "$SRV.>", *subscribe), answers=True)


def _work(queue: Queue[Any]) -> tuple[str, ...]:
    """Taking, answering and burying the orders of one queue. Both forms of the ack's subject: see T2."""
    return (
        f"$JS.API.CONSUMER.MSG.NEXT.{queue.stream}.{queue.name}",
        f"$JS.ACK.{queue.stream}.{queue.name}.>",
        f"$JS.ACK.*.*.{queue.stream}.{queue.name}.>",
        f"dead.{queue.name}.*",
    )


_WORKER_CALLS = tuple(
    call.subject
    for call in (
        memory.CLAIM_GENERATION,
        memory.RENEW_LEASE,
        memory.FINISH_GENERATION,
        memory.RELEASE_GENERATION,
        memory.ABANDON_GENERATION,
        knowledge.PREPARE_DIGEST,
        knowledge.STORE_DIGEST,
        acting.KEEP_ROUND,
        acting.BEGIN_CALL,
        acting.KEEP_RESULT,
        acting.CARRY_OUT,
        acting.SUSPEND_GENERATION,
        budget.KEEP_RATES,
        budget.CHARGE,
    )
)
_TRIP_CALLS = tuple(call.subject for call in (travel.KEEP_TRIP, travel.CHOOSE_FLIGHT, travel.SETTLE_TRIP, travel.DROP_TRIP))
_TOOL_CALLS = tuple(
    call.subject
    for call in (
        state.GET_STATE,
        state.LIST_TASKS,
        state.LIST_NOTES,
        state.LIST_EVENTS,
        state.GET_PLAN,
        state.PUT_PLAN,
        state.GET_PREFERENCES,
        knowledge.SEARCH,
        workflow.CREATE,
        workflow.GET,
        workflow.LIST,
        workflow.FIND_FLIGHTS,
        # What a tool changes in an answer goes through CARRY_OUT; in a step of a workflow there is no answer.
        state.CREATE_TASK,
        state.COMPLETE_TASK,
        state.CREATE_NOTE,
        state.PIN_MEMORY,
        state.KEEP_EVENT,
    )
)
"""What the built-in tools ask for a person."""

_USER_CALLS = tuple(
    value.subject
    for module in (memory, state, knowledge, account, workflow, acting, budget, travel)
    for value in vars(module).values()
    if isinstance(value, Call) and value.service != "inference" and value.subject not in (*_WORKER_CALLS, *_TRIP_CALLS)
)
_READ_FEED = tuple(f"$JS.API.{verb}.{stream}" for stream in FEED_STREAMS for verb in ("DIRECT.GET", "STREAM.INFO"))

_BLOBS = tuple(f"$JS.API.{verb}.BLOBS" for verb in ("DIRECT.GET", "STREAM.MSG.DELETE"))
"""Reading a blob, and erasing it as soon as it has been used."""

_SPEAKING = tuple(
    call.subject
    for call in (
        speech.CREATE_TRANSCRIPT,
        speech.KEEP_TRANSCRIPT,
        speech.GET_TRANSCRIPT,
        speech.LISTEN,
        speech.SAY,
        speech.LIST_VOICES,
    )
)
_TRANSCRIBING = tuple(
    call.subject
    for call in (
        speech.CLAIM_TRANSCRIPT,
        speech.RENEW_TRANSCRIPT,
        speech.FINISH_TRANSCRIPT,
        speech.RELEASE_TRANSCRIPT,
        speech.ABANDON_TRANSCRIPT,
        speech.SIFT_TRANSCRIPTS,
    )
)

_ERASE = tuple(
    f"$JS.API.{verb}.{stream}"
    for stream in (*FEED_STREAMS, "JOBS", "BLOBS", "DEAD", "RUNS", "JOURNAL", "CARGO", "SCHEDULES")
    for verb in ("DIRECT.GET", "STREAM.INFO", "STREAM.PURGE", "STREAM.MSG.DELETE")
)

_JOBS = tuple(
    call.subject
    for call in (
        COMPLETE,
        acting.CALL_TOOL,
        acting.LIST_TOOLS,
        state.CREATE_NOTE,
        state.GET_PREFERENCES,
        state.LIST_TASKS,
        state.LIST_EVENTS,
        state.PUT_PLAN,
        state.GET_STATE,
        state.CREATE_TASK,
        state.KEEP_EVENT,
        state.DELETE_EVENT,
        memory.LIST_MESSAGES,
        account.STORE_OUTPUT,
        knowledge.TIDY_UP,
        knowledge.PREPARE_DIGEST,
        knowledge.STORE_DIGEST,
        memory.LIST_CONVERSATIONS,
        memory.CREATE_CONVERSATION,
        workflow.CREATE,
        workflow.PUT_SCHEDULE,
        travel.GET_TRIP,
        travel.LIST_TRIPS,
    )
)
"""What the workflows of this installation ask of others."""

_ENGINE = (
    "feed.*.*.workflow.*.event",
    *(f"{first}.*.*" for first in ("run", "timer", "tick", "alarm", "journal", "schedule")),
    "cargo.*.*.*",
    *(f"$JS.API.DIRECT.GET.{stream}" for stream in ("RUNS", "JOURNAL", "CARGO", "SCHEDULES")),
    "$JS.API.STREAM.INFO.JOURNAL",
    # What has ended long ago, and schedules that somebody dropped.
    *(f"$JS.API.STREAM.MSG.DELETE.{stream}" for stream in ("RUNS", "JOURNAL", "CARGO", "SCHEDULES")),
    JOURNAL_SIGNAL,
    inbox_prefix("gateway") + ".>",
    inbox_prefix("inference") + ".>",
)

PERMISSIONS: dict[User, Permissions] = {
    "gateway": _service(
        "gateway",
        (
            *_USER_CALLS,
            LIST_MODELS.subject,
            acting.LIST_TOOLS.subject,
            *_READ_FEED,
            *_SPEAKING,
            *_BLOBS,
            "blob.*.*",
            "audio.*.*",
        ),
        ("live.>", "heard.*.*"),
    ),
    "memory": _service(
        "memory",
        (
            "feed.*.*.conversation.*.event",
            "feed.*.*.state.*.event",
            f"job.{GENERATE.name}.*",
            f"job.{DIGEST.name}.*",
            f"job.{ARRANGE.name}.*",
            f"job.{speech.TRANSCRIBE.name}.*",
            "feed.*.*.transcript.*.event",
            "control.stop.*",
            # Erasure: what the streams still hold of a user who is gone (S16). No other service may delete what lasts.
            *_ERASE,
            # The leave to answer dies with the connection; an answer that was under way then is still owed.
            inbox_prefix("gateway") + ".>",
            inbox_prefix("inference") + ".>",
            inbox_prefix("workflow") + ".>",
            inbox_prefix("transcribe") + ".>",
        ),
        ("rpc.memory.*",),
    ),
    "inference": _service(
        "inference",
        (
            *_WORKER_CALLS,
            *_TOOL_CALLS,
            "feed.*.*.conversation.*.token.*",
            *_work(GENERATE),
            *_work(DIGEST),
            *_READ_FEED,
            # The leave to answer ends after two minutes; a model may take longer.
            inbox_prefix("workflow") + ".>",
        ),
        ("rpc.inference.*", "control.stop.*"),
    ),
    "transcribe": _service(
        "transcribe",
        (
            *_TRANSCRIBING,
            "feed.*.*.transcript.*.event",
            *_work(speech.TRANSCRIBE),
            *_BLOBS,
            "$JS.API.STREAM.INFO.BLOBS",
            "heard.*.*",
            inbox_prefix("gateway") + ".>",
        ),
        ("rpc.transcribe.*", "audio.*.*"),
    ),
    "workflow": _service(
        "workflow",
        (*_ENGINE, *_JOBS, *_TRIP_CALLS, *_work(RUN), *_work(TICK), *_work(ARRANGE)),
        ("rpc.workflow.*", JOURNAL_SIGNAL),
    ),
    "analytics": Permissions((inbox_prefix("analytics") + ".>", *_READ_FEED), (inbox_prefix("analytics") + ".>", "live.>")),
    "admin": Permissions((">",), (">",)),
}
