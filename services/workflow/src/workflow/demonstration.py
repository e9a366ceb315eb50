"""A small workflow to try things out with: it counts down, waiting before each number, and can be stopped by an event."""

from datetime import timedelta

from pydantic import Field

from shared.contract.base import Message
from workflow.definition import workflow
from workflow.failure import EventTimedOut
from workflow.step import Attempt, Step


class Countdown(Message):
    """From which number, and how long each one stands."""

    start: int = Field(default=3, ge=0, le=1_000)
    seconds: float = Field(default=1.0, ge=0, le=86_400)


@workflow("countdown")
async def countdown(step: Step, params: Countdown) -> dict[str, object]:
    """Ends early when an event `stop` comes."""

    async def say(_: Attempt) -> int:
        return number

    said: list[int] = []
    for number in range(params.start, 0, -1):
        said.append(await step.do(f"say {number}", say))
        try:
            reason = await step.wait_for_event("stop", "stop", timeout=timedelta(seconds=params.seconds))
        except EventTimedOut:
            continue
        return {"said": said, "stopped": reason}
    return {"said": said, "stopped": None}
