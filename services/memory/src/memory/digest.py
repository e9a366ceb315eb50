"""Titles and summaries that a model makes of conversations: what they are made of, and what is kept of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memory.context import VERBATIM
from memory.message import TITLE_LENGTH, Remembered, title_of
from memory.tokens import cut, tokens
from shared.contract.objects import PromptMessage

KEPT_SHARE: Final = 0.25
"""Of the prompt's budget: so much of the newest is not summarised, but given word by word."""

TOLD_SHARE: Final = 0.5
"""Likewise: so much is told shorter at a time; the rest with the next summary."""

LONGEST_TOLD: Final = 2_000
"""Tokens of one message that a summary is made of."""

LONGEST_TITLED: Final = 500
"""Tokens of one message that a title is made of."""

SUMMARY_LENGTH: Final = 4_000
"""Characters of a summary that are kept."""

_QUOTES: Final = "\"'`*#“”„‚‘’«»‹›「」『』 "


@dataclass(frozen=True, slots=True)
class Standing:
    """How a conversation stands as to its digests. The times are those of orders that have not come back."""

    user: str
    temporary: bool
    head_id: str | None
    title: str | None
    title_by: str | None
    title_ordered: int | None
    summary: str | None
    summary_until: str | None
    summary_ordered: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """What a summary is made of, the oldest first; `until` is the last of it."""

    messages: list[PromptMessage]
    until: str


def title_wanted(standing: Standing) -> bool:
    """Whether nobody has named it, as far as the conversation alone can tell."""
    return not standing.temporary and standing.title_by in (None, "text")


def named_by_user(standing: Standing, first: str | None) -> bool:
    """Whether the title is not the one that was cut from the first message. Older versions did not note who made it."""
    return standing.title is not None and standing.title_by is None and standing.title != title_of(first or "")


def due(ordered: int | None, now: int, patience: int) -> bool:
    """Whether it may be ordered: it is not under way, or has been for so long that it was lost."""
    return ordered is None or now - ordered > patience


def clean_title(text: str) -> str | None:
    """One line without quotation marks around it; None when nothing is left."""
    words = " ".join(text.replace("\0", "").split()).strip(_QUOTES).rstrip(".。")
    return title_of(words[: 4 * TITLE_LENGTH])


def clean_summary(text: str) -> str | None:
    """What is kept of a summary."""
    return text.replace("\0", "").strip()[:SUMMARY_LENGTH] or None


def titled(messages: Sequence[Remembered]) -> list[PromptMessage]:
    """What a title is made of: the beginning, cut short."""
    return [PromptMessage(role=one.role, text=cut(one.text, LONGEST_TITLED)) for one in messages if one.usable and one.text][:4]


def told(newest_first: Sequence[Remembered], budget: int) -> Told | None:
    """The older part of what no summary covers yet, or None when it is short enough as it is."""
    rest = _after_newest(newest_first, budget * KEPT_SHARE)
    chosen: list[PromptMessage] = []
    until, left = "", budget * TOLD_SHARE
    for message in reversed(rest):
        text = cut(message.text, LONGEST_TOLD)
        left -= tokens(text)
        if chosen and left < 0:
            break
        chosen.append(PromptMessage(role=message.role, text=text))
        until = message.id
    return Told(chosen, until) if chosen else None


def _after_newest(newest_first: Sequence[Remembered], kept: float) -> list[Remembered]:
    usable = [message for message in newest_first if message.usable]
    for place, message in enumerate(usable):
        kept -= tokens(message.text)
        if kept < 0 and place >= VERBATIM:
            return usable[place:]
    return []
