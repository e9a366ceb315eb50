"""The baseline of `turn.py`: what a tutorial would write. Streams twenty tokens and forgets them."""

from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

app = FastAPI()


class Chat(BaseModel):
    """A request of the short form."""

    message: str


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    """It runs."""
    return {"status": "ok"}


@app.post("/api/chat/stream", response_class=EventSourceResponse)
async def chat(_: Chat) -> AsyncIterator[ServerSentEvent]:
    """Twenty tokens."""
    for number in range(1, 21):
        yield ServerSentEvent(data={"type": "token", "token": f"{number}, "}, event="llm.token")
