"""What a client asks of the form of an answer: its own tools, the format, instructions."""

from typing import Any

from shared.contract.base import Message
from shared.contract.memory import SendMessage
from shared.contract.objects import PromptMessage
from shared.contract.tools import ToolSpec


class Demands(Message):
    """As they are kept with a generation; see `SendMessage`."""

    client_tools: list[ToolSpec] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    instructions: str | None = None


def demands_of(question: SendMessage) -> str | None:
    """What this message asks for, in JSON; None for nothing."""
    given = {name: getattr(question, name) for name in Demands.model_fields}
    if all(value is None for value in given.values()):
        return None
    return Demands(**given).encode().decode()


def demanded(kept: str | None) -> dict[str, Any]:
    """The same as fields of a claim."""
    if kept is None:
        return {}
    demands = Demands.decode(kept)
    return {name: getattr(demands, name) for name in Demands.model_fields if name != "instructions"}


def led(kept: str | None, messages: list[PromptMessage]) -> list[PromptMessage]:
    """The conversation with what the client says before it."""
    told = Demands.decode(kept).instructions if kept else None
    return [PromptMessage(role="system", text=told), *messages] if told else messages
