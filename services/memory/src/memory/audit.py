"""The audit (M095, N17, S17): a chain of links for each user, hashes only, never words; anchors that hold its ends elsewhere;
tombstones of chains that were erased. Without the key no row can be written, changed, removed or reordered unnoticed.
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Act:
    """What happened: an output that is final. `made` are the ids of what it made or changed."""

    action: str
    asked_by: str
    conversation_id: str | None = None
    generation_id: str | None = None
    message_id: str | None = None
    model: str | None = None
    prompt_hash: str | None = None
    output_hash: str | None = None
    made: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the audit, without its links."""

    user: str
    number: int
    at: int
    act: Act


@dataclass(frozen=True, slots=True)
class Linked:
    """A row as it is stored. `made` is still the text that was stored: it is what was linked."""

    entry: Entry
    previous: bytes
    mac: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many links, and the last one."""

    count: int
    mac: bytes


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What remains of an erased chain. `life` counts the times that this user was erased before."""

    who: str
    life: int
    rows: int
    last: bytes
    at: int
    mac: bytes = b""


def hash_of(text: str) -> str:
    """What stands for a text in the audit: sha256 in hex over its UTF-8."""
    return sha256(text.encode()).hexdigest()


def _seal(key: bytes, purpose: str, material: Any) -> bytes:
    text = json.dumps([purpose, material], separators=(",", ":"), sort_keys=True)
    return hmac.digest(key, text.encode(), "sha256")


def who(key: bytes, user: str) -> str:
    """What stands for a user outside of the user's own rows: nobody without the key can tell whose it is."""
    return _seal(key, "who", user).hex()[:32]


def beginning(key: bytes, user: str, life: int) -> bytes:
    """What the first link of a chain is linked to."""
    return _seal(key, "beginning", [user, life])


def link(key: bytes, entry: Entry, previous: bytes) -> bytes:
    """The link of this row."""
    act = entry.act
    about = [act.conversation_id, act.generation_id, act.message_id, act.model, act.prompt_hash, act.output_hash, act.made]
    return _seal(key, "entry", [previous.hex(), entry.user, entry.number, entry.at, act.action, act.asked_by, *about])


def sealed(key: bytes, stone: Tombstone) -> Tombstone:
    """The tombstone with its seal."""
    material = [stone.who, stone.life, stone.rows, stone.last.hex(), stone.at]
    return Tombstone(stone.who, stone.life, stone.rows, stone.last, stone.at, _seal(key, "tombstone", material))


# --- anchors ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AnchoredHead:
    """The end of a chain as an anchor saw it, in that life of the user."""

    who: str
    life: int
    count: int
    mac: str


def anchor_line(key: bytes, at: str, heads: Iterable[AnchoredHead], rows: int, previous: str) -> dict[str, Any]:
    """One line of the file of anchors: the heads that are new since the line before, and a seal over that line's seal."""
    ends = [[head.who, head.life, head.count, head.mac] for head in heads]
    body: dict[str, Any] = {"at": at, "users": len(ends), "rows": rows, "heads": ends, "previous": previous}
    return {**body, "mac": _seal(key, "anchor", body).hex()}


def read_anchor(key: bytes, line: Mapping[str, Any]) -> list[AnchoredHead] | None:
    """The heads of a line, or None when it is not what was written."""
    body = {name: value for name, value in line.items() if name != "mac"}
    if not hmac.compare_digest(_seal(key, "anchor", body).hex(), str(line.get("mac"))):
        return None
    return [AnchoredHead(*head) for head in cast("list[Any]", line["heads"])]


# --- checking --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong with the chain of this user, at this row."""

    user: str
    number: int
    what: str


@dataclass(slots=True)
class Verdict:
    """What checking everything found."""

    users: int = 0
    rows: int = 0
    anchors: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    notes: list[str] = field(default_factory=list[str])


def check_chain(
    key: bytes, user: str, life: int, rows: Iterable[Linked], head: Head, anchored: Mapping[int, str]
) -> list[Finding]:
    """Walks a chain; `anchored` are the links that anchors saw, by number. Finds the first fault of each kind."""
    previous, count = beginning(key, user, life), 0
    seen: set[int] = set()
    for row in rows:
        count += 1
        if fault := _fault(key, row, count, previous):
            return [Finding(user, row.entry.number, fault)]
        if anchored.get(count, row.mac.hex()) != row.mac.hex():
            return [Finding(user, count, "it is not the row that an anchor saw")]
        seen.add(count)
        previous = row.mac
    return _check_end(user, Head(count, previous if count else b""), head, anchored.keys() - seen)


def _fault(key: bytes, row: Linked, expected: int, previous: bytes) -> str | None:
    if row.entry.number != expected:
        return f"row {expected} is missing, or rows were reordered"
    if row.previous != previous:
        return "it does not follow the row before it"
    if not hmac.compare_digest(link(key, row.entry, previous), row.mac):
        return "it was changed, or not written by this installation"
    return None


def _check_end(user: str, found: Head, head: Head, unseen: set[int]) -> list[Finding]:
    if unseen:
        return [Finding(user, max(unseen), "an anchor saw this row, and it is gone")]
    if found != head:
        return [Finding(user, head.count, f"the chain has {found.count} rows, and its head says {head.count}")]
    return []


def check_tombstones(key: bytes, stones: Iterable[Tombstone]) -> tuple[dict[str, list[Tombstone]], list[Finding]]:
    """The tombstones by user, in order of their lives, and what is wrong with them."""
    by_user: dict[str, list[Tombstone]] = {}
    findings: list[Finding] = []
    for stone in sorted(stones, key=lambda stone: (stone.who, stone.life)):
        lives = by_user.setdefault(stone.who, [])
        if stone.life != len(lives) or not hmac.compare_digest(sealed(key, stone).mac, stone.mac):
            findings.append(Finding(stone.who, stone.life, "its tombstone was changed, or one is missing"))
        lives.append(stone)
    return by_user, findings


def buried(head: AnchoredHead, lives: list[Tombstone]) -> bool:
    """Whether the chain that an anchor saw was erased lawfully since."""
    if head.life >= len(lives):
        return False
    stone = lives[head.life]
    return head.count < stone.rows or (head.count == stone.rows and head.mac == stone.last.hex())
