"""One turn out of a conversation, for readers who asked for its answer and nothing else."""

from collections.abc import Callable

from shared.contract.memory import Accepted
from shared.reader import Reader
from shared.stored import Stored


class Turn:
    """Whether an event belongs to it: everything of its generation, and the two messages as they were created."""

    __slots__ = ("_marks",)

    def __init__(self, accepted: Accepted) -> None:
        # As `Message.encode` writes it. Whatever users write, a quote inside a JSON string has a backslash before it.
        generation = b'"generationId":"%b"' % accepted.generation_id.encode()
        messages = (b'"id":"%b"' % id_.encode() for id_ in (accepted.message_id, accepted.answer_id))
        self._marks = (generation, *messages)

    def has(self, event: Stored) -> bool:
        """Whether this event is one of the turn's."""
        return any(mark in event.data for mark in self._marks)


class Excerpt:
    """A `Reader` of a conversation that hands on what belongs to one turn, whatever runs before or after it."""

    __slots__ = ("_reader", "_turn")

    def __init__(self, turn: Turn, reader: Reader) -> None:
        self._turn = turn
        self._reader = reader

    def deliver(self, event: Stored) -> None:
        if self._turn.has(event):
            self._reader.deliver(event)

    def reset(self, reason: str) -> None:
        self._reader.reset(reason)

    def when_taken(self, go_on: Callable[[], None]) -> None:
        self._reader.when_taken(go_on)

    def caught_up(self) -> None:
        self._reader.caught_up()
