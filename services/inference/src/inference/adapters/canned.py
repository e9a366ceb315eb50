"""The last resort: a reply that no model made, and whose name says so."""

from collections.abc import AsyncGenerator

from inference.catalogue import CANNED
from inference.delta import Delta, End, Text
from inference.failure import NotSupported
from inference.prompt import Prompt
from shared.contract import inference


class Canned:
    """Always says the same."""

    def __init__(self, reply: str) -> None:
        self._reply = reply
        self.card = inference.Model(id=CANNED, description="A fixed reply, made by no model", kind="canned")

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """The reply. It cost nothing, so it says nothing of tokens. Raises NotSupported when words are no
        answer, and in the middle of one that a model has begun."""
        if prompt.insists or prompt.messages[-1].role == "tool":
            raise NotSupported
        yield Text(self._reply)
        yield End("stop")
