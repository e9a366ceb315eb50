"""What inference is ordered to do, and what it is asked."""

from typing import Literal

from shared.contract.base import Message
from shared.contract.topics import Call, Queue


class Generate(Message):
    """Produce the answer of this generation. Everything else is asked of memory when the order is taken."""

    generation_id: str
    user: str
    conversation_id: str


DigestKind = Literal["title", "summary"]


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
    """A model that answers. `embedded` ones are rule-based and say so."""

    id: str
    description: str
    kind: Literal["embedded", "openai"]
    created: int = 0
    """Unix seconds, for clients that want one."""


class Models(Message):
    """Every model that can be named; the first one is the default."""

    models: list[Model]


GENERATE = Queue("generate", Generate)
DIGEST = Queue("digest", Digest, ack_wait=30.0)
LIST_MODELS = Call("inference", "list_models", ListModels, Models)
