"""Memory as one would explain it: a user's conversations, messages and answers, one operation after the other."""

from collections.abc import Hashable, Iterable
from typing import NamedTuple

OPEN_AT_ONCE = 20
"""Answers of one user that may be open: memory's own setting."""


class Row(NamedTuple):
    """A message. `name` is the client's key of a user message; its answer has a `!` behind it."""

    conversation: str
    name: str
    parent: str | None
    text: str
    status: str

    @property
    def shown(self) -> Hashable:
        """What a list says of it."""
        return (self.name, self.parent, self.text, self.status)


class Answering(NamedTuple):
    """An open generation, by the key of the message that it answers."""

    conversation: str
    name: str
    epoch: int = 0
    running: bool = False
    stopped: bool = False


class Ended(NamedTuple):
    """A generation that has ended so."""

    conversation: str
    name: str
    epoch: int
    outcome: str


class Conversation(NamedTuple):
    """A conversation."""

    name: str
    title: str | None = None
    head: str | None = None


class Task(NamedTuple):
    """A task, by the key it was made with."""

    name: str
    title: str
    status: str = "open"


class State(NamedTuple):
    """Everything of one user. What can't be told apart is the same state: that keeps the search for an order short.

    Conversations in the order of their last change, rows in the order of writing, generations by conversation.
    """

    version: int
    conversations: tuple[Conversation, ...]
    rows: tuple[Row, ...] = ()
    open: tuple[Answering, ...] = ()
    ended: frozenset[Ended] = frozenset()
    tasks: tuple[Task, ...] = ()

    def conversation(self, name: str) -> Conversation | None:
        """The one of this name, unless it was deleted."""
        return next((one for one in self.conversations if one.name == name), None)

    def row(self, name: str) -> Row | None:
        """The message of this name."""
        return next((row for row in self.rows if row.name == name), None)

    def waiting(self, conversation: str) -> list[Answering]:
        """Its open generations in order of acceptance."""
        return [one for one in self.open if one.conversation == conversation]

    def changed(self, conversation: Conversation) -> "State":
        """The next version, in which this conversation is so."""
        others = (one for one in self.conversations if one.name != conversation.name)
        return self._replace(version=self.version + 1, conversations=(*others, conversation))

    def asked(self, conversation: Conversation, name: str, parent: str | None, text: str) -> "State":
        """The next version, with a user message and its empty answer, which is the head now."""
        answer = name + "!"
        rows = (
            *self.rows,
            Row(conversation.name, name, parent, text, "completed"),
            Row(conversation.name, answer, name, "", "pending"),
        )
        state = self.changed(conversation._replace(head=answer))
        waiting = sorted((*self.open, Answering(conversation.name, name)), key=lambda one: one.conversation)
        return state._replace(rows=rows, open=tuple(waiting))

    def filled(self, name: str, text: str, status: str) -> "State":
        """The answer to this message is so."""
        answer = name + "!"
        return self._replace(
            rows=tuple(row._replace(text=text, status=status) if row.name == answer else row for row in self.rows)
        )

    def over(self, generation: Answering, text: str, outcome: str) -> "State":
        """This generation has ended."""
        state = self.filled(generation.name, text, outcome)
        ended = Ended(generation.conversation, generation.name, generation.epoch, outcome)
        return state._replace(open=tuple(one for one in self.open if one != generation), ended=self.ended | {ended})

    def marked(self, generations: Iterable[Answering]) -> "State":
        """The workers of these are asked to stop. The same object when all of them were before."""
        names = {one.name for one in generations if not one.stopped}
        if not names:
            return self
        return self._replace(open=tuple(one._replace(stopped=True) if one.name in names else one for one in self.open))
