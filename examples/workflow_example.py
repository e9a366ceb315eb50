"""A workflow of your own: `WORKFLOW_MODULES='["examples.workflow_example"]' ./colloquy up`, and then

    curl -X POST 'http://127.0.0.1:8787/api/v1/workflows?user=ana' -H 'content-type: application/json' \\
         -d '{"type": "invite", "id": "party", "params": {"guest": "Ben", "days": 7}}'
    curl -X POST 'http://127.0.0.1:8787/api/v1/workflows/party/events?user=ana' -H 'content-type: application/json' \\
         -d '{"type": "reply", "payload": "I will come!"}'
"""

from datetime import timedelta

from shared.contract.base import Message
from workflow.definition import workflow
from workflow.failure import EventTimedOut
from workflow.step import Attempt, Step


class Invitation(Message):
    guest: str
    days: float = 7


@workflow("invite")
async def invite(step: Step, params: Invitation) -> dict[str, str]:
    async def write(attempt: Attempt) -> str:  # may run twice: give `attempt.key` to whoever sends it, and it is sent once
        return f"Dear {params.guest}, please come! ({attempt.key})"

    letter = await step.do("write", write)  # recorded: whatever happens, nobody writes another one
    try:
        reply = await step.wait_for_event("reply", "reply", timeout=timedelta(days=params.days))  # days cost nothing
    except EventTimedOut:
        reply = "no answer"
    return {"letter": letter, "reply": reply}
