"""What a worker is given for an answer. On the path to the first token: few statements, and no more read than fits."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from memory.call import brief
from memory.context import Composed, Known, Snippet, compose, uncovered
from memory.generation import Generation
from memory.handlers.budgets import capped, prompt_room
from memory.handlers.searching import relevant_notes
from memory.message import Remembered
from memory.persona import chosen
from memory.records import known, messages
from memory.records.known import About
from memory.tokens import characters
from memory.transaction import Transaction
from shared.contract.objects import Sampling
from shared.contract.person import Persona

PINNED = 200
"""Pinned memories that are looked at, the last changed first; the budget takes fewer."""

RELATED = 5
"""Notes that may fit the question."""

CALLED = 20
"""Calls of tools that a prompt is reminded of, and answers that are looked at for them."""

FAR = 5_000
"""Messages over which the end of a summary is looked for when it lies before all that fit."""


@dataclass(frozen=True, slots=True)
class Given:
    """The prompt, and how to sample."""

    composed: Composed
    model: str | None
    sampling: Sampling
    preferences: dict[str, Any]
    temporary: bool


def given(tx: Transaction, generation: Generation) -> Given:
    """Everything for the answer of this generation."""
    limits, room = tx.limits, prompt_room(tx, generation)
    about = known.about(tx.connection, generation.user_message_id)
    branch = messages.remembered(tx.connection, generation.user_message_id, limits.prompt_messages, characters(room))
    asked = branch[0].text if branch else ""
    branch, covered = _without_summarised(tx, generation, about, branch)
    persona = None if about.temporary and not generation.persona else chosen(tx.connection, generation.user, generation.persona)
    facts = _known(tx, generation, about, persona)
    if about.notes and not about.temporary:
        facts = replace(facts, related=_related(tx, generation.user, asked, about.context_ids))
    facts = replace(facts, summary=about.summary if covered else None, calls=_called(branch))
    composed = compose(facts, branch, room, limits.summary_share)
    model, preferences = generation.model or (persona and persona.model), {} if about.temporary else about.preferences
    sampling = capped(tx, generation, model, composed, _sampling(generation, persona))
    return Given(composed, model, sampling, preferences, about.temporary)


def _without_summarised(
    tx: Transaction, generation: Generation, about: About, branch: Sequence[Remembered]
) -> tuple[Sequence[Remembered], bool]:
    """What of the branch the summary does not cover, and whether it is of this branch at all."""
    if about.summary_until is None:
        return branch, False
    rest, found = uncovered(branch, about.summary_until)
    if not found and branch:
        found = messages.on_branch(tx.connection, branch[-1].id, about.summary_until, FAR)
    return rest, found


def _known(tx: Transaction, generation: Generation, about: About, persona: Persona | None) -> Known:
    chosen_notes = known.snippets(tx.connection, generation.user, about.context_ids)
    instructions = persona.system_prompt if persona else None
    if about.temporary:
        return Known(instructions, language=generation.language, chosen=chosen_notes)
    zone, language = about.preferences.get("timezone"), generation.language or about.preferences.get("language")
    return Known(
        instructions,
        today(tx.at, zone),
        zone if isinstance(zone, str) else None,
        language if isinstance(language, str) else None,
        known.pinned(tx.connection, generation.user, PINNED),
        chosen_notes,
        actions=tx.limits.actions and generation.demands is None,
    )


def _called(newest_first: Sequence[Remembered]) -> list[str]:
    """What earlier answers called, in short, the last call first."""
    stored = [message.called for message in newest_first if message.called and message.usable]
    calls = [call for one in stored[:CALLED] for call in reversed(json.loads(one)) if "status" in call]
    return [brief(call) for call in calls[:CALLED]]


def _related(tx: Transaction, user: str, asked: str, chosen: Sequence[str]) -> list[Snippet]:
    """Notes that share rare words with the question, but for those that came with it anyway."""
    ids = relevant_notes(tx.finder, tx.connection, user, asked, RELATED + len(chosen))
    return known.snippets(tx.connection, user, [note for note in ids if note not in chosen][:RELATED])


def today(at: datetime, zone: Any) -> date:
    """The day where the person is, as far as that is known. Not the hour: a prompt that stays the same is cached."""
    try:
        return at.astimezone(ZoneInfo(zone) if isinstance(zone, str) else UTC).date()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return at.astimezone(UTC).date()


def _sampling(generation: Generation, persona: Persona | None) -> Sampling:
    sampling = Sampling.decode(generation.sampling)
    if persona is None or persona.temperature is None or sampling.temperature is not None:
        return sampling
    return sampling.model_copy(update={"temperature": persona.temperature})
