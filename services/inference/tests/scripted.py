"""A model that says and calls what a test wants, round after round."""

import json
from collections.abc import Callable
from typing import Any

import fake_upstream as fake

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def says(text: str) -> fake.Behaviour:
    async def behave(x: fake.Exchange) -> None:
        await x.begin()
        await x.say(text)
        await x.chunk(fake.event({"choices": [], "usage": USAGE}))
        await x.end()

    return behave


def calls(*called: tuple[str, dict[str, Any]], text: str = "", ids: str = "call_{}") -> fake.Behaviour:
    """Each call in two pieces, one after the other, with usage at the end."""

    async def behave(x: fake.Exchange) -> None:
        await x.begin()
        if text:
            await x.say(text)
        for index, (name, arguments) in enumerate(called):
            written = json.dumps(arguments)
            head = {"index": index, "id": ids.format(index), "function": {"name": name, "arguments": written[:5]}}
            await x.chunk(fake.event({"choices": [{"delta": {"tool_calls": [head]}}]}))
            rest = {"index": index, "function": {"arguments": written[5:]}}
            await x.chunk(fake.event({"choices": [{"delta": {"tool_calls": [rest]}}]}))
        await x.chunk(fake.event({"choices": [{"delta": {}, "finish_reason": "tool_calls"}], "usage": USAGE}))
        await x.end()

    return behave


def obeys(judge: Callable[[dict[str, Any]], list[tuple[str, dict[str, Any]]]]) -> fake.Behaviour:
    """Calls whatever `judge` reads out of a request; says that it is done when there is nothing."""

    async def behave(x: fake.Exchange) -> None:
        found = judge(x.body)
        await (calls(*found) if found else says("done"))(x)

    return behave
