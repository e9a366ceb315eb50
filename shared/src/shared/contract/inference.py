"""What inference is ordered to do, and what it is asked."""

from typing import Any, Literal

from pydantic import Field

from shared.contract.base import Message
from shared.contract.objects import FinishReason, PromptMessage, Sampling, Usage
from shared.contract.topics import Call, Queue


class Generate(Message):
    """Produce the answer of this generation. Everything else is asked of memory when the order is taken."""

    generation_id: str
    user: str
    conversation_id: str


DigestKind = Literal["title", "summary"]
ModelKind = Literal["embedded", "openai", "recorded", "canned"]
"""What a model is: `embedded` ones are rules, `recorded` ones replay a conversation, `canned` is a reply that no model made."""


class Digest(Message):
    """Make a title or a summary of this conversation. What it is made of is asked of memory when the order is taken."""

    user: str
    conversation_id: str
    kind: DigestKind


class StopNow(Message):
    """Somebody asked to stop this generation."""

    generation_id: str


class ListModels(Message):
    """Which models can be named in a message?"""


class Model(Message):
    """A model that answers. Prices are US dollars for a million tokens, `context` and `max_output` tokens; absent: unknown."""

    id: str
    description: str
    kind: ModelKind
    created: int = 0
    """Unix seconds, for clients that want one."""
    prompt_price: float | None = None
    completion_price: float | None = None
    context: int | None = None
    max_output: int | None = None
    capabilities: list[str] | None = None
    fallback: list[str] | None = None
    """The models that answer in its place when it does not, in their order."""


class Models(Message):
    """Every model that can be named; the first one is the default."""

    models: list[Model]


class Complete(Message):
    """What does a model say to these messages? For work in the background: nothing of it is kept or shown.

    `form`: `text`; `list`, of short texts as a JSON array and nothing else, which a model is to be told in the messages;
    `json`, that fits `json_schema`; `plan`, of a day: `{priorities[3], todos[5], notes[1]}`; `actions`, that the newest
    message asks for: `{actions: [{event: ActionName, payload}]}`. A model is told the last three, its answer is checked, and
    asked for once more with what was wrong. Refused with `unknown_model`, `model_refused`, `not_in_form`; Busy with `busy`
    while there are too many, `model_failed`, `unavailable`.
    """

    messages: list[PromptMessage] = Field(min_length=1)
    user: str = ""
    """Who pays for it."""
    model: str | None = None
    sampling: Sampling = Sampling()
    form: Literal["text", "list", "json", "plan", "actions"] = "text"
    json_schema: dict[str, Any] | None = None
    timezone: str = "UTC"
    """The person's, for times in actions."""


class Completion(Message):
    """What it said. `kind` is that of the model: what an embedded one says was made by rules."""

    text: str
    model: str
    kind: ModelKind
    finish_reason: FinishReason
    usage: Usage | None = None


GENERATE = Queue("generate", Generate)
DIGEST = Queue("digest", Digest, ack_wait=30.0)
LIST_MODELS = Call("inference", "list_models", ListModels, Models)
COMPLETE = Call("inference", "complete", Complete, Completion)
