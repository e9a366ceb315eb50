"""What an operator may change about memory."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings

from shared.settings import settings_config


class Budget(BaseModel):
    """What one user may use in a day instead of what everybody may; 0: no limit, absent: as everybody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: int | None = Field(default=None, ge=0)
    cost: float | None = Field(default=None, ge=0)


class MemorySettings(BaseSettings):
    """The database, and the limits of what is kept and handed out."""

    model_config = settings_config("MEMORY_")

    database_url: str = Field(
        default="sqlite:///data/memory/colloquy.db",
        repr=False,  # it may hold a password
        description=(
            "Where everything is kept: sqlite:/// and the path of a file on a local disk, "
            "or postgresql://user:password@host/database, which several replicas may share."
        ),
    )
    busy_timeout: float = Field(default=5.0, gt=0, description="Seconds to wait while another program has the database locked.")
    write_queue: int = Field(default=1000, ge=1, description="Writes that may wait; one more is answered with busy.")
    write_group: int = Field(default=64, ge=1, description="The most writes that share one commit.")
    readers: int = Field(default=4, ge=1, description="Connections for reading.")
    read_timeout: float = Field(default=10.0, gt=0, description="Seconds after which a read is given up.")
    lease_seconds: float = Field(
        default=6.0, gt=0, description="How long a worker may be silent before its answer goes to another one."
    )
    order_lost_after: float = Field(
        default=30.0, gt=0, description="Seconds after which an answer that nobody began is ordered again, at first."
    )
    open_generations: int = Field(default=20, ge=1, description="Answers of one user that may be queued or running.")
    prompt_tokens: int = Field(default=24_000, ge=1, description="How much of a conversation a model is given, in tokens.")
    prompt_messages: int = Field(default=200, ge=1, description="How many messages of a conversation a model is given at most.")
    page_bytes: int = Field(
        default=512 * 1024, ge=1024, description="Bytes of messages in one answer; what is older comes with the next page."
    )
    idempotency_hours: float = Field(default=24.0, gt=0, description="How long a key of a client gives the same answer again.")
    temporary_minutes: float = Field(
        default=60.0, gt=0, description="How long a temporary conversation is kept after its last change."
    )
    sweep_seconds: float = Field(default=5.0, gt=0, description="How often memory looks for what was lost or has expired.")
    outbox_limit: int = Field(
        default=10_000, ge=1, description="Events that may wait for NATS; while there are more, writes are answered with busy."
    )
    audit_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key of the audit's chains; up and compose make one. Empty: the chains show accidents, not forgers.",
    )
    audit_anchor: str = Field(
        default="beside",
        description="File that the ends of the audit's chains are appended to; beside: next to a SQLite database; empty: none.",
    )
    audit_anchor_minutes: float = Field(
        default=15.0, gt=0, description="How often the ends of the audit's chains are anchored, if there are new ones."
    )
    actions: bool = Field(
        default=True, description="Whether models are told how to create tasks, notes, memories and calendar entries."
    )
    summary_share: float = Field(
        default=0.6, gt=0, le=1, description="Part of the prompt's budget; a conversation that needs more gets a summary."
    )
    digest_patience_minutes: float = Field(
        default=10.0, gt=0, description="After how long a title or a summary that did not come is ordered again."
    )
    writers: int = Field(default=8, ge=1, description="Connections for writing of each replica, on PostgreSQL.")
    open_tasks: int = Field(default=500, ge=1, description="Tasks of one user that may be open.")
    notes: int = Field(default=5_000, ge=1, description="Notes and snippets one user may have.")
    note_bytes: int = Field(default=1024 * 1024, ge=1, description="Bytes of UTF-8 the text of a note may have.")
    pinned_memories: int = Field(default=200, ge=1, le=10_000, description="Pinned memories one user may have.")
    memory_bytes: int = Field(default=8 * 1024, ge=1, description="Bytes of JSON the value of a pinned memory may have.")
    plans: int = Field(default=1_000, ge=1, description="Days one user may have a plan for.")
    calendar_events: int = Field(
        default=10_000, ge=1, description="Calendar entries one user may have, travel events among them."
    )
    trips: int = Field(default=200, ge=1, description="Trips one user may have.")
    personas: int = Field(default=50, ge=1, description="Personas of their own one user may have.")
    personas_bytes: int = Field(
        default=128 * 1024, ge=1024, le=256 * 1024, description="Bytes of JSON one user's own personas may have together."
    )
    hot_messages: int = Field(
        default=100,
        ge=1,
        description="Newest messages of a conversation that are kept as they are; older are compressed.",
    )
    event_days: float = Field(default=30.0, ge=0, description="How long the log of events is kept; 0 keeps it for good.")
    removed_days: float = Field(
        default=30.0, gt=0, description="How long it is known what was removed; older devices get the whole state again."
    )
    completed_task_days: float = Field(default=90.0, ge=0, description="How long completed tasks are kept; 0 keeps them.")
    plan_days: float = Field(default=90.0, ge=0, description="How long plans of past days are kept; 0 keeps them.")
    trip_days: float = Field(default=365.0, ge=0, description="How long past trips are kept; 0 keeps them.")
    calendar_days: float = Field(default=365.0, ge=0, description="How long past calendar entries are kept; 0 keeps them.")
    poisoned_days: float = Field(
        default=30.0, gt=0, description="How long events that NATS will never take are kept to be looked at."
    )
    open_transcripts: int = Field(default=20, ge=1, description="Recordings of one user that may wait to become text.")
    transcript_days: float = Field(default=30.0, ge=0, description="How long the text of recordings is kept; 0 keeps it.")
    user_concurrency: int = Field(
        default=4, ge=1, description="Answers of one user that may be under way at a time; further ones wait their turn."
    )
    budget_tokens: int = Field(default=0, ge=0, description="Tokens of one user and day in UTC, prompts included; 0: no limit.")
    budget_cost: float = Field(default=0.0, ge=0, description="USD of one user and day in UTC; 0: no limit.")
    budgets: dict[str, Budget] = Field(
        default_factory=dict[str, Budget],
        description='Other budgets for some users, as a JSON object: {"ana": {"tokens": 1000000, "cost": 5}}.',
    )
    budget_output_tokens: int = Field(
        default=4_096,
        ge=1,
        description="Tokens of an answer that are reserved, and its limit, unless it asks for fewer; with a budget.",
    )
    usage_days: float = Field(default=400.0, ge=0, description="How long it is known what a user spent on a day; 0 keeps it.")
    approval_days: float = Field(
        default=7.0, gt=0, description="How long a tool's call waits for somebody's leave before it is rejected."
    )
    tool_call_days: float = Field(
        default=30.0,
        ge=0,
        description="How long it is kept how an answer came about: rounds, whole results, approvals; 0 keeps them.",
    )
    prune_minutes: float = Field(default=10.0, gt=0, description="How often memory looks for what is old enough to go.")
    embeddings_url: str | None = Field(
        default=None,
        description="Where embeddings come from: the base address of an OpenAI-compatible server; none: search goes by words.",
    )
    embeddings_model: str = Field(default="text-embedding-3-small", description="The model that makes the embeddings.")
    embeddings_key: SecretStr | None = Field(default=None, description="The key for the server of embeddings.")
    embeddings_dimensions: int | None = Field(
        default=None, ge=1, le=4096, description="Dimensions to ask the embeddings' model for; none: as many as it has."
    )
