"""`/demo …`: answers to look at, for whoever builds a page: Markdown, code, tables, cards, tools, one that is slow or fails."""

from typing import Final

from inference.rules.heard import Heard, Rule, Said, Script, rule
from inference.rules.toolbox import Call

SLOW_PACE: Final = 4.0
"""Tokens a second of `/demo slow`."""

FAILS_AFTER: Final = 12
"""Tokens of `/demo error`."""

_MARKDOWN: Final = """\
# A demo of Markdown

This text is made by a rule, to look at. It has **bold**, *italic*, ~~struck~~ and `code` words, and a [link](https://example.org).

## A list

1. First
2. Second
   - with a part
   - and another
- [x] done
- [ ] not done

> A quotation,
> on two lines.

---

The end.
"""
_CODE: Final = '''\
A demo of code. Python:

```python
def greet(name: str) -> str:
    """Says hello."""
    return f"Hello, {name}!"
```

and a shell:

```sh
curl -N 'http://127.0.0.1:8787/api/v1/stream?user=ana'
```
'''
_TABLE: Final = """\
A demo of a table:

| Service | What it does | Copies |
|:--------|:-------------|-------:|
| gateway | HTTP and streams | 2 |
| memory | the state | 1 |
| inference | answers | 8 |
"""
_MATH: Final = """\
A demo of mathematics. In a line: $e^{i\\pi} + 1 = 0$. On its own:

$$
\\int_{-\\infty}^{\\infty} e^{-x^2}\\,dx = \\sqrt{\\pi}
$$
"""
SLOW: Final = (
    "This answer is slow on purpose: four words a second, so that there is time to press Stop, to reload the page, or to look "
    "at it on a second device. Nothing of it is lost, whatever you do. That was all."
)
ERROR: Final = (
    "This answer breaks off in the middle, on purpose: what has been said stays, and the reason is shown with it. Soon."
)
_PARAGRAPHS: Final = 60
PAGES: Final = {"markdown": _MARKDOWN, "code": _CODE, "table": _TABLE, "math": _MATH, "slow": SLOW, "error": ERROR}
NAMES: Final = (*PAGES, "long", "cards", "tools")


def _demo(heard: Heard) -> Script | Said:
    name = heard.words().text.strip()
    if name in PAGES:
        return PAGES[name]
    if name == "long":
        return "\n\n".join(f"Paragraph {number} of {_PARAGRAPHS}. {SLOW}" for number in range(1, _PARAGRAPHS + 1))
    if name == "cards":
        return _cards(heard)
    if name == "tools":
        return _tools(heard)
    return "There is " + ", ".join(f"`/demo {each}`" for each in NAMES) + "."


def _cards(heard: Heard) -> Script:
    due = heard.now.date().isoformat()
    yield (
        Call("create_task", {"title": "A demo task", "due": due, "tags": ["demo"]}),
        Call("create_note", {"text": "A demo note.", "tags": ["demo"]}),
    )
    return "A demo of cards: a task and a note were made, both with the tag “demo”."


def _tools(heard: Heard) -> Script:
    looks = ("list_tasks", "list_notes", "list_events")
    there = [name for name in looks if name in heard.tools]
    names = ", ".join(f"`{name}`" for name in heard.tools.names) or "none"
    if there:
        yield tuple(Call(name, {}) for name in there)
    return f"A demo of tools: {len(there)} were called. In this conversation there are: {names}."


RULES: Final[list[Rule]] = rule(_demo, r"/?demo(?: (?P<x>.*))?")
