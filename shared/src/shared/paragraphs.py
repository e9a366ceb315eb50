"""How the rounds of one answer become one text: whoever shows it and whoever stores it join them alike."""

from collections.abc import Iterable


def joint(text: str) -> str:
    """What goes between this text and the next round's: paragraphs of different rounds stay apart."""
    if not text or text.endswith("\n\n"):
        return ""
    return "\n" if text.endswith("\n") else "\n\n"


def joined(texts: Iterable[str]) -> str:
    """The texts of these rounds as one; a round may have said nothing."""
    said = ""
    for text in texts:
        if text:
            said += joint(said) + text
    return said
