"""Calls of a client's tools, and their results, as a model's server takes them: never one without the other."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

from shared.contract.objects import PromptCall, PromptMessage


def calls_of(kept: str | None) -> tuple[PromptCall, ...]:
    """The calls that were left to a client. Those that were carried out here have a status."""
    if kept is None:
        return ()
    calls: list[dict[str, Any]] = json.loads(kept)
    return tuple(
        PromptCall(id=call["id"], name=call["name"], arguments=call["arguments"]) for call in calls if "status" not in call
    )


def paired(messages: Sequence[PromptMessage]) -> list[PromptMessage]:
    """The messages, oldest first, without calls that have no result and results whose call is not there."""
    if not any(message.tool_calls or message.tool_call_id for message in messages):
        return list(messages)
    kept: list[PromptMessage] = []
    place = 0
    while place < len(messages):
        message = messages[place]
        results = list(_results(messages, place + 1))
        if message.tool_calls:
            kept += _answered(message, results)
        elif message.tool_call_id is None:
            kept += [message, *(result for result in results if result.tool_call_id is None)]
        place += 1 + len(results)
    asked = messages[-1]
    if asked.tool_call_id and asked not in kept:
        kept.append(asked.model_copy(update={"tool_call_id": None}))  # Its call was cut off; what is asked is never dropped.
    return kept


def _results(messages: Sequence[PromptMessage], place: int) -> Iterator[PromptMessage]:
    """The results of tools that stand from this place on."""
    while place < len(messages) and messages[place].role == "tool":
        yield messages[place]
        place += 1


def _answered(message: PromptMessage, results: Sequence[PromptMessage]) -> list[PromptMessage]:
    given = {result.tool_call_id for result in results}
    calls = [call for call in cast("list[PromptCall]", message.tool_calls) if call.id in given]
    if not calls:
        return [message.model_copy(update={"tool_calls": None})] if message.text else []
    asked = {call.id for call in calls}
    return [message.model_copy(update={"tool_calls": calls}), *(one for one in results if one.tool_call_id in asked)]
