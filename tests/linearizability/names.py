"""What memory calls things, in the words of the model. Ids that should be one and are two get two names."""

from collections.abc import Hashable

from shared.contract.memory import Accepted
from shared.contract.objects import ChatMessage, Conversation
from shared.contract.person import Task


class Names:
    """The names of one history."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, an_id: str | None) -> str | None:
        """The name of something that was seen before."""
        return None if an_id is None else self._names.get(an_id, f"unknown {an_id}")

    def accepted(self, key: str, accepted: Accepted) -> Hashable:
        """What a client that sent a message with this key was told."""
        message = self._learn(accepted.message_id, key)
        answer = self._learn(accepted.answer_id, key + "!")
        self._learn(accepted.generation_id, key, "generation ")
        return (accepted.queue_position, message, answer)

    def message(self, message: ChatMessage) -> Hashable:
        """What a list says of a message."""
        parent = self.of(message.parent_id)
        if message.role == "user":
            name = self._learn(message.id, message.client_message_id or "nameless")
        else:
            name = self._learn(message.id, f"{parent}!")
            self._learn(message.generation_id or "none", f"{parent}", "generation ")
        return (name, parent, message.text, message.status)

    def messages(self, messages: list[ChatMessage]) -> Hashable:
        """What a list says."""
        return tuple([self.message(message) for message in messages])

    def generation(self, generation_id: str | None) -> str | None:
        """The key of the message that it answers."""
        name = self.of(generation_id)
        return None if name is None else name.removeprefix("generation ")

    def conversation(self, conversation: Conversation) -> Hashable:
        """What is shown of a conversation."""
        return (conversation.title, self.of(conversation.head_id), self.generation(conversation.running_generation_id))

    def task(self, task: Task) -> str:
        """The key that it was made with, which is in its title."""
        return self._learn(task.id, task.title.removeprefix("task "))

    def _learn(self, an_id: str, name: str, kind: str = "") -> str:
        known = self._names.get(an_id)
        if known is None:
            known = kind + name
            while known in self._taken:
                known += "~"
            self._taken.add(known)
            self._names[an_id] = known
        return known.removeprefix(kind)
