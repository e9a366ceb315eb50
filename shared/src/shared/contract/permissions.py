"""What each NATS user may publish and hear: an allow list, the least that its service needs (S6)."""

from dataclasses import dataclass
from typing import Literal, get_args

from shared.contract import account, knowledge, memory, state
from shared.contract.inference import DIGEST, GENERATE, LIST_MODELS
from shared.contract.subjects import FEED_STREAMS
from shared.contract.topics import Call

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


def _work(queue: str) -> tuple[str, ...]:
    """Taking, answering and burying the orders of one queue. Both forms of the ack's subject: see T2."""
    return (
        f"$JS.API.CONSUMER.MSG.NEXT.JOBS.{queue}",
        f"$JS.ACK.JOBS.{queue}.>",
        f"$JS.ACK.*.*.JOBS.{queue}.>",
        f"dead.{queue}.*",
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
    )
)
_USER_CALLS = tuple(
    value.subject
    for module in (memory, state, knowledge, account)
    for value in vars(module).values()
    if isinstance(value, Call) and value.subject not in _WORKER_CALLS
)
_READ_FEED = tuple(f"$JS.API.{verb}.{stream}" for stream in FEED_STREAMS for verb in ("DIRECT.GET", "STREAM.INFO"))

_ERASE = tuple(
    f"$JS.API.{verb}.{stream}"
    for stream in (*FEED_STREAMS, "JOBS", "DEAD")
    for verb in ("DIRECT.GET", "STREAM.INFO", "STREAM.PURGE", "STREAM.MSG.DELETE")
)

PERMISSIONS: dict[User, Permissions] = {
    "gateway": _service("gateway", (*_USER_CALLS, LIST_MODELS.subject, *_READ_FEED), ("live.>",)),
    "memory": _service(
        "memory",
        (
            "feed.*.*.conversation.*.event",
            "feed.*.*.state.*.event",
            f"job.{GENERATE.name}.*",
            f"job.{DIGEST.name}.*",
            "control.stop.*",
            # Erasure: what the streams still hold of a user who is gone (S16). No other service may delete anything.
            *_ERASE,
            # The leave to answer dies with the connection; an answer that was under way then is still owed.
            inbox_prefix("gateway") + ".>",
            inbox_prefix("inference") + ".>",
        ),
        ("rpc.memory.*",),
    ),
    "inference": _service(
        "inference",
        (
            *_WORKER_CALLS,
            "feed.*.*.conversation.*.token.*",
            *_work(GENERATE.name),
            *_work(DIGEST.name),
            *_READ_FEED,
        ),
        ("rpc.inference.*", "control.stop.*"),
    ),
    "transcribe": _service("transcribe"),
    "workflow": _service("workflow"),
    "analytics": Permissions((inbox_prefix("analytics") + ".>", *_READ_FEED), (inbox_prefix("analytics") + ".>", "live.>")),
    "admin": Permissions((">",), (">",)),
}
