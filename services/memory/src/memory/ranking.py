"""The order of what was found: BM25 (Robertson and Zaragoza, 2009) over the candidates, and the fusion of several orders."""

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

K1, B = 1.2, 0.75
RRF = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""

READ = 2_000
"""Characters of a text that are counted in: what begins with the words is more about them than what has them on page 30."""

K = TypeVar("K", bound=Hashable)


def scores(texts: Sequence[tuple[str, int]], pattern: re.Pattern[str]) -> list[float]:
    """BM25 of texts, each folded and with the length of the whole. Every candidate has every term, so what a term weighs is
    the same for all: how often, in how much text, is what counts."""
    mean = sum(length for _, length in texts) / max(1, len(texts)) or 1.0
    return [_score(Counter(pattern.findall(text)), length / mean) for text, length in texts]


def _score(found: Mapping[str, int], length: float) -> float:
    if not found:
        return 0.1
    return sum(count * (K1 + 1) / (count + K1 * (1 - B + B * length)) for count in found.values())


def fused(orders: Sequence[Sequence[K]]) -> dict[K, float]:
    """Reciprocal rank fusion of orders, each best first: what each of them puts early comes early."""
    score: dict[K, float] = {}
    for order in orders:
        for rank, key in enumerate(order, start=1):
            score[key] = score.get(key, 0.0) + 1 / (RRF + rank)
    return score
