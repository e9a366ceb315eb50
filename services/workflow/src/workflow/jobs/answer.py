"""The workflow `answer`: a long answer as work in the background, resumable between its steps: context, generate, store.

What is generated here is not streamed: it comes as one message when it is whole, however often a worker has died meanwhile.
"""

from functools import partial
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from shared.contract.account import StoreOutput
from shared.contract.base import Message
from shared.contract.inference import Complete
from shared.contract.memory import ListMessages
from shared.contract.objects import PromptMessage, Sampling
from workflow.definition import Definition, workflow
from workflow.jobs import wording
from workflow.jobs.keys import operation_id
from workflow.jobs.ports import Ports
from workflow.jobs.task import ASKING
from workflow.step import Attempt, Step

MESSAGES: Final = 50
CHARACTERS: Final = 48_000
"""Of what was said before; the newest are kept."""

LONGEST: Final = 200_000
SYSTEM: Final = (
    "You answer at length and thoroughly, in the language of the question: the person reads your answer later, as a whole."
)


class Question(Message):
    """What is to be answered, in this conversation or in a new one."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32_768)]
    conversation_id: str | None = Field(default=None, max_length=64)
    model: str | None = Field(default=None, max_length=255)
    max_tokens: int | None = Field(default=None, ge=1, le=65_536)


def answer(ports: Ports) -> Definition:
    """The workflow."""

    @workflow("answer")
    async def reply(step: Step, params: Question) -> dict[str, Any]:
        before: list[dict[str, Any]] = []
        if params.conversation_id is not None:
            before = await step.do("context", partial(_context, ports, params.conversation_id))
        text = wording.storable(params.text)
        asked = [PromptMessage(role="system", text=SYSTEM), *(PromptMessage(**one) for one in before)]
        asked.append(PromptMessage(role="user", text=text))
        question = Complete(messages=asked, model=params.model, sampling=Sampling(max_tokens=params.max_tokens))
        said = await step.do("generate", partial(_generate, ports, question), retries=ASKING)
        return await step.do("store", partial(_store, ports, params, said))

    return reply


async def _context(ports: Ports, conversation_id: str, attempt: Attempt) -> list[dict[str, Any]]:
    """The branch that is shown, the newest that fit. Raises UnknownConversation."""
    question = ListMessages(user=attempt.about.user, conversation_id=conversation_id, limit=MESSAGES)
    room, kept = CHARACTERS, list[dict[str, Any]]()
    for message in reversed((await ports.memory.messages(question)).messages):
        room -= len(message.text)
        if room < 0:
            break
        if message.text and message.role in ("user", "assistant"):
            kept.append({"role": message.role, "text": message.text})
    return kept[::-1]


async def _generate(ports: Ports, question: Complete, attempt: Attempt) -> dict[str, Any]:
    said = await ports.models.complete(attempt, question)
    return {"text": wording.storable(said.text)[:LONGEST], "model": said.model}


async def _store(ports: Ports, params: Question, said: dict[str, Any], attempt: Attempt) -> dict[str, Any]:
    """As a message of the conversation, with the question quoted: nobody has to look for what it answers."""
    quoted = " ".join(params.text.split())
    head = f"> {quoted if len(quoted) <= 300 else quoted[:299] + '…'}"
    order = StoreOutput(
        user=attempt.about.user,
        operation_id=operation_id(attempt.key),
        asked_by="workflow",
        text=f"{head}\n\n{said['text']}",
        conversation_id=params.conversation_id,
        model=said["model"],
    )
    stored = await ports.post.answer(attempt, order)
    return {"conversationId": stored.conversation_id, "messageId": stored.message.id, "model": said["model"]}
