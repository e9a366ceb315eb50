"""Titles and summaries without a model: words and sentences taken out of what was said. Pure, and says so."""

import re
from collections.abc import Sequence
from typing import Final

from shared.contract.objects import PromptMessage

TITLE_LENGTH: Final = 60
WORDS: Final = 6
SENTENCE: Final = 160
"""Characters of a sentence that is taken over."""

SUMMARY: Final = 3_000
"""Characters of a summary; the oldest lines are left out first."""

HEAD: Final = "First sentences of what was said, taken out by a rule, without a model:"

_EMPTY_WORDS: Final = """
a an the and or but of to in on at for with from by is are was were be been do does did can could will would should may
i you he she it we they me my your our this that these those what which who how why when where please tell
der die das ein eine einen und oder aber von zu in im an am auf für mit aus bei ist sind war waren sein kann können wird
ich du er sie es wir ihr mir mein dein bitte was wer wie warum wann wo den dem des
"""
_EMPTY: Final = frozenset(_EMPTY_WORDS.split())
_SENTENCE = re.compile(r"[^.!?。！？\n]{1,400}[.!?。！？]?")
_COMMAND = re.compile(r"^\s*/\w{1,20}\s{1,8}")


def title(messages: Sequence[PromptMessage], _: str | None = None) -> str:
    """The topic words of the first thing that was asked; empty when there is nothing to say."""
    asked = next((message.text for message in messages if message.role == "user" and message.text.strip()), "")
    words = " ".join(first_sentence(_COMMAND.sub("", asked)).rstrip(".!?。！？ ").split())
    if len(words) > TITLE_LENGTH:
        topics = [word.strip(",;:()\"'") for word in words.split() if word.lower().strip(",;:()\"'") not in _EMPTY]
        words = " ".join(topics[:WORDS] or words.split()[:WORDS])
    return words[:1].upper() + words[1:TITLE_LENGTH]


def summary(messages: Sequence[PromptMessage], before: str | None) -> str:
    """The first sentence of each message, after the lines of the summary before."""
    lines = [line for line in (before or "").splitlines() if line and line != HEAD]
    lines += [f"{message.role}: {said}" for message in messages if (said := first_sentence(message.text))]
    left = SUMMARY
    kept: list[str] = []
    for line in reversed(lines):
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    return "\n".join([HEAD, *reversed(kept)])


def first_sentence(text: str) -> str:
    """Up to its end, or as much as is taken over."""
    found = _SENTENCE.search(text.lstrip())
    sentence = found[0].strip() if found else ""
    return sentence if len(sentence) <= SENTENCE else sentence[: SENTENCE - 1].rstrip() + "…"
