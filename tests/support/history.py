"""Conversations with a past, as a client brings them along: written by the gateway's own call."""

import json
from urllib.parse import urlsplit

from pydantic import SecretStr

from shared.bus import connect
from shared.contract.memory import SEND_MESSAGE, SendMessage
from shared.contract.objects import PromptMessage
from shared.settings import NatsSettings


async def conversation_with(system, user, texts):
    """A conversation in which these were said in turn, the last one by the assistant; its id."""
    place = urlsplit((system.data / "run" / "nats.url").read_text().strip())
    password = json.loads((system.data / "secrets.json").read_text())["gateway"]
    url = SecretStr(f"nats://gateway:{password}@{place.hostname}:{place.port}")
    history = [PromptMessage(role="assistant" if number % 2 else "user", text=text) for number, text in enumerate(texts)]
    async with connect(NatsSettings(url=url), "gateway") as bus:
        order = SendMessage(user=user, text="count to 2", history=history)
        return (await bus.ask(SEND_MESSAGE, order, timeout=60)).conversation_id
