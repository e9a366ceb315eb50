"""How many tokens a text is, estimated without any model's vocabulary."""

from math import ceil


def tokens(text: str) -> int:
    """From the number of characters `n` and of UTF-8 bytes `b`: n/4 + 3/8·(b - n), rounded up.

    A quarter token for each ASCII character, 0.6 for Cyrillic or accented ones, 1 for Chinese, Japanese, Korean, 1.4 for an
    emoji: what common vocabularies need, or a little more, so that a prompt that fits the estimate fits the model.
    """
    n = len(text)
    extra = 0 if text.isascii() else len(text.encode()) - n
    return ceil(n / 4 + extra * 3 / 8)


def characters(budget: int) -> int:
    """As many characters as the budget could hold at the very most."""
    return max(0, budget) * 4


def cut(text: str, budget: int) -> str:
    """The longest beginning of the text that fits into the budget."""
    text = text[: characters(budget)]
    if tokens(text) <= budget:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if tokens(text[:middle]) <= budget:
            low = middle
        else:
            high = middle - 1
    return text[:low]
