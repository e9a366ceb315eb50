"""The kinds of topic the bus takes: questions with answers, work queues, signals. A topic is a typed value, never a string."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.contract.base import Message
from shared.contract.subjects import Subject, job

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, A]):
    """A question to a service and its answer, over request and reply."""

    service: str
    name: str
    question: type[Q]
    answer: type[A]

    @property
    def subject(self) -> Subject:
        """Where the service listens."""
        return Subject(f"rpc.{self.service}.{self.name}")


@dataclass(frozen=True, slots=True)
class Queue(Generic[M]):
    """Orders of which each is carried out by one worker. Kept by `stream`, in a durable consumer of the same name."""

    name: str
    order: type[M]
    ack_wait: float = 6.0
    """Seconds without a sign of life after which an order goes to another worker."""
    deliveries: int = 4
    """How often an order is tried before it goes to the dead letters."""
    stream: str = "JOBS"

    def subject(self, user: str) -> Subject:
        """Where an order of this user is published."""
        return job(self.name, user)
