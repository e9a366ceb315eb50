"""What earlier attempts have said of an answer that nobody shall go on with."""

import asyncio
import json
from collections.abc import Iterable

from inference.answer import text_of as said_in
from inference.delta import Text
from inference.lease import insist
from inference.lines import Clock, Lines
from inference.pacer import Pacer
from inference.ports import TokenStore
from inference.publisher import TokenLog
from shared.contract.events import GenerationRestarted, GenerationStarted, Token
from shared.contract.memory import Claim
from shared.contract.subjects import token_log

_BEGINNINGS = frozenset((GenerationStarted.type_name.encode(), GenerationRestarted.type_name.encode()))
_TOKEN = Token.type_name.encode()


class Gone(Exception):
    """Another attempt has written to the log: the answer is its own."""


async def saved(store: TokenStore, generation: str, claim: Claim, model: str, pacer: Pacer, clock: Clock) -> str:
    """The text as its readers have it. Said once more under the epoch of this claim, so that whoever still holds words of an
    earlier attempt, such as a worker that was frozen, can add nothing to what is stored now (F28). Raises Gone.
    """
    subject = token_log(claim.user, claim.conversation_id, generation)
    gone = asyncio.Event()
    tokens = TokenLog(store, subject, Lines(generation, claim, clock), pacer, gone.set)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tokens.run())
        tokens.begin(model)
        await tokens.stored()
        before = text_of(await insist(store.read, subject), claim.epoch)
        text = max(before, said_in(claim.rounds), key=len)
        tokens.write(Text, text)
        tokens.close()
    if gone.is_set():
        raise Gone
    return text


def text_of(messages: Iterable[tuple[int, bytes, bytes]], epoch: int) -> str:
    """The text of the newest attempt before this one in a log of (sequence, event name, data), oldest first."""
    parts: list[str] = []
    for _, kind, data in messages:
        if kind in _BEGINNINGS:
            if json.loads(data)["attempt"] >= epoch:
                break
            parts.clear()
        elif kind == _TOKEN:
            parts.append(json.loads(data)["token"])
    return "".join(parts)
