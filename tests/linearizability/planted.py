"""Bugs that a memory could have, put around the handlers of a good one. The checker has to find each of them."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import memory.app
from memory.records import idempotency
from shared.bus import Answer
from shared.contract.memory import GetConversation
from shared.errors import Unavailable

Handler = Callable[[Any], Awaitable[Any]]
Handlers = dict[str, Handler]
Plant = Callable[[Handlers], Handlers]
"""The handlers that are replaced, made of those there are."""

DICE = random.Random()
PAUSE_SECONDS = 0.003
"""What a handler with a bug does between its two halves: others come in between."""


def stale_list(good: Handlers) -> Handlers:
    """A list comes from a snapshot that was taken for another question."""
    kept: dict[Any, Any] = {}

    async def list_messages(question: Any) -> Any:
        key = (question.user, question.conversation_id, question.branch)
        if key not in kept or DICE.random() < 0.7:
            kept[key] = await good["list_messages"](question)
        return kept[key]

    return {"list_messages": list_messages}


def list_by_id(good: Handlers) -> Handlers:
    """A list is in the order of ids, which is nearly that of writing."""

    async def list_messages(question: Any) -> Any:
        page = await good["list_messages"](question)
        return page.model_copy(update={"messages": sorted(page.messages, key=lambda message: message.id)})

    return {"list_messages": list_messages}


def head_written_back(good: Handlers) -> Handlers:
    """A new title is written with the rest of the conversation as it was read before: the update in between is lost."""

    async def update_conversation(question: Any) -> Any:
        seen = GetConversation(user=question.user, conversation_id=question.conversation_id)
        before = await good["get_conversation"](seen)
        await asyncio.sleep(PAUSE_SECONDS)
        return await good["update_conversation"](question.model_copy(update={"head_id": before.head_id}))

    return {"update_conversation": update_conversation}


def forgotten_keys(good: Handlers) -> Handlers:
    """Keys of clients are not looked at, and some replies get lost: what is sent again is stored again."""

    async def send_message(question: Any) -> Any:
        accepted = await good["send_message"](question)
        if DICE.random() < 0.1:
            raise Unavailable
        return accepted

    return {"send_message": send_message}


def two_workers(good: Handlers) -> Handlers:
    """Who asks for an answer that another one works on gets it as well."""
    begun: dict[str, Any] = {}

    async def claim_generation(question: Any) -> Any:
        claim = await good["claim_generation"](question)
        if claim.decision == "run":
            begun[question.generation_id] = claim
        return begun.get(question.generation_id, claim) if claim.decision == "wait" else claim

    return {"claim_generation": claim_generation}


def torn_snapshot(good: Handlers) -> Handlers:
    """The version is read after the messages, in another transaction."""

    async def get_state(question: Any) -> Any:
        before = await good["get_state"](question)
        await asyncio.sleep(PAUSE_SECONDS)
        return before.model_copy(update={"version": (await good["get_state"](question)).version})

    return {"get_state": get_state}


def deaf_to_stop(good: Handlers) -> Handlers:
    """A stop is answered from what was open and then not carried out, if somebody was quicker."""

    async def stop_generation(question: Any) -> Any:
        stopping = await good["stop_generation"](question)
        return stopping.model_copy(update={"generation_ids": stopping.generation_ids[:1]})

    return {"stop_generation": stop_generation}


def refused_and_done(good: Handlers) -> Handlers:
    """A message is stored although its sender is told that the conversation is busy."""

    async def send_message(question: Any) -> Any:
        wants_reject = question.if_busy == "reject"
        if wants_reject:
            await good["send_message"](question.model_copy(update={"if_busy": "queue", "client_message_id": None}))
        return await good["send_message"](question)

    return {"send_message": send_message}


PLANTS = (
    stale_list,
    list_by_id,
    head_written_back,
    forgotten_keys,
    two_workers,
    torn_snapshot,
    deaf_to_stop,
    refused_and_done,
)


def plant(monkeypatch: Any, bug: Plant) -> None:
    """From now on a memory that is opened in this process has this bug."""
    good_answers = memory.app.answers

    def answers(*parts: Any) -> list[Answer[Any, Any]]:
        good = good_answers(*parts)
        bad = bug({answer.call.name: answer.handler for answer in good})
        return [replace(answer, handler=bad.get(answer.call.name, answer.handler)) for answer in good]

    monkeypatch.setattr(memory.app, "answers", answers)
    if bug is forgotten_keys:
        monkeypatch.setattr(idempotency, "find", lambda *_: None)
