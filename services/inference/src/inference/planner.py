"""Steps towards a goal without a model: the parts of its own wording. Pure; whoever shows them says that a rule made them."""

import re
from typing import Final

MOST: Final = 12
"""Steps of one plan; what would be more is left together in the last one."""

LONGEST: Final = 400
"""Characters of a step."""

_BULLET = re.compile(r"[ \t]{0,16}(?:[-*•]|\d{1,3}[.)])[ \t]{1,16}")
_BORDER = re.compile(
    r"\n{1,16}"
    r"|;[ \t]{0,8}"
    r"|(?:,[ \t]{0,8})?\b(?:and[ \t]{1,8}then|then|und[ \t]{1,8}dann|dann|danach)\b[,:]?[ \t]{0,8}"
    r"|(?<=[.!?])[ \t]{1,8}",
    re.IGNORECASE,
)


def steps(goal: str) -> list[str]:
    """At least one: lines, sentences, what `;` and “then” divide. A goal that has no parts is its own only step."""
    lines = (_BULLET.sub("", line, count=1) for line in goal.splitlines())
    parts = [part.strip(" \t.,;") for part in _BORDER.split("\n".join(lines))]
    found = [part[:LONGEST] for part in parts if part]
    if len(found) > MOST:
        found = [*found[: MOST - 1], "; ".join(found[MOST - 1 :])[:LONGEST]]
    return found or [goal.strip()[:LONGEST]]
