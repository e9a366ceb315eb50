"""Checks the whole audit: every chain, its head, its anchors, the tombstones. `python -P -m memory.tools.audit verify`"""

import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from memory.anchoring import anchor_path
from memory.audit import (
    AnchoredHead,
    Finding,
    Head,
    Linked,
    Tombstone,
    Verdict,
    buried,
    check_chain,
    check_tombstones,
    read_anchor,
    who,
)
from memory.machinery import audit
from memory.records.audit import EVERY_HEAD, EVERY_ROW, EVERY_TOMBSTONE, linked_of, tombstone_of
from memory.settings import MemorySettings
from memory.tables import installation
from shared.settings import read

Progress = Callable[[int, int], None]
"""Rows that were checked, of so many."""

AT_ONCE = 1_000
ROWS_A_SIGN = 500


@dataclass(slots=True)
class Anchored:
    """What the file of anchors says: links by number, of each life of each user."""

    links: dict[tuple[str, int], dict[int, str]] = field(default_factory=dict[tuple[str, int], dict[int, str]])
    lines: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    notes: list[str] = field(default_factory=list[str])


def read_anchors(key: bytes, lines: Iterable[bytes]) -> Anchored:
    """Reads the lines, each sealed over the one before. What a crash left half-written is noted: the next does not miss it."""
    found, seal = Anchored(), ""
    for number, line in enumerate(lines, 1):
        try:
            given: dict[str, Any] = json.loads(line)
            heads, previous = read_anchor(key, given), given["previous"]
        except (ValueError, KeyError, TypeError):
            found.notes.append(f"Line {number} of the anchors can't be read; a crash may have left it so.")
            continue
        if heads is None or previous != seal:
            what = "it was changed" if heads is None else "lines before it are missing or were reordered"
            found.findings.append(Finding("anchors", number, what))
        found.lines += 1
        seal = str(given.get("mac"))
        for head in heads or ():
            found.links.setdefault((head.who, head.life), {})[head.count] = head.mac
    return found


class Check:
    """One check of everything, in one snapshot of the database."""

    def __init__(self, key: bytes, anchors: Sequence[bytes] | None, progress: Progress) -> None:
        self._key, self._progress = key, progress
        self._anchors = read_anchors(key, anchors or ())
        self._with_anchors = anchors is not None
        self.verdict = Verdict(anchors=self._anchors.lines)
        self.counts: dict[str, int] = {}
        self._stones: dict[str, list[Tombstone]] = {}

    def run(self, connection: Connection) -> Verdict:
        """Checks; what is wrong is in the verdict."""
        found = self.verdict
        found.findings += self._anchors.findings
        found.notes += self._anchors.notes
        self._stones, wrong = check_tombstones(self._key, _tombstones(connection))
        found.findings += wrong
        heads = {row.id: row for row in connection.execute(EVERY_HEAD)}
        total: int = connection.execute(select(func.count()).select_from(audit)).scalar_one()
        for user, rows in groupby(self._rows(connection, total), key=lambda row: str(row.user_id)):
            self._chain(user, list(rows), heads.pop(user, None))
        for user, head in heads.items():
            self._chain(user, [], head)
        self._gone()
        if not self._with_anchors:
            found.notes.append("Without anchors nobody can tell whether the end of a chain was cut off.")
        return found

    def _rows(self, connection: Connection, total: int) -> Iterator[Any]:
        result = connection.execute(EVERY_ROW, execution_options={"yield_per": AT_ONCE})
        for self.verdict.rows, row in enumerate(result, 1):
            if self.verdict.rows % ROWS_A_SIGN == 0:
                self._progress(self.verdict.rows, total)
            yield row
        self._progress(self.verdict.rows, total)

    def _chain(self, user: str, rows: Sequence[Any], head: Any) -> None:
        self.verdict.users += 1
        whom = who(self._key, user)
        life = len(self._stones.get(whom, ()))
        anchored = self._anchors.links.pop((whom, life), {})
        end = Head(0, b"") if head is None else Head(head.audit_count, bytes(head.audit_mac or b""))
        if head is not None:
            self.counts[user] = head.audit_anchored
        try:
            findings = check_chain(self._key, user, life, map(_strictly, rows), end, anchored)
        except (ValueError, TypeError):
            findings = [Finding(user, 0, "a row can't be read")]
        self.verdict.findings += findings

    def _gone(self) -> None:
        """Chains that only anchors know: they were erased lawfully, or they were taken away."""
        for (whom, life), links in self._anchors.links.items():
            for count, mac in links.items():
                if not buried(AnchoredHead(whom, life, count, mac), self._stones.get(whom, [])):
                    self.verdict.findings.append(Finding(whom, count, "an anchor saw this chain, and it is gone"))
                    break

    def missing_anchors(self, lines: Sequence[bytes]) -> None:
        """`lines` were read after the database: what it says was anchored has to be among them."""
        links = read_anchors(self._key, lines).links
        for user, count in self.counts.items():
            whom = who(self._key, user)
            newest = max(links.get((whom, len(self._stones.get(whom, ()))), {0: ""}))
            if newest < count:
                self.verdict.findings.append(Finding(user, count, "this row was anchored, and the anchor is gone"))


def _strictly(row: Any) -> Linked:
    linked = linked_of(row)
    if json.dumps(linked.entry.act.made) != row.made:
        raise ValueError
    return linked


def _tombstones(connection: Connection) -> list[Tombstone]:
    return [tombstone_of(row) for row in connection.execute(EVERY_TOMBSTONE)]


async def verify(settings: MemorySettings, progress: Progress) -> Verdict:
    """Checks the database of these settings against its anchors, whether memory runs or not. Raises what the driver raises."""
    path = anchor_path(settings)
    checks: list[Check] = []

    def work(connection: Connection) -> Verdict:
        key = settings.audit_key.get_secret_value() or connection.execute(select(installation.c.id)).scalar_one()
        checks.append(Check(key.encode(), _lines(path), progress))
        return checks[0].run(connection)

    verdict = await _in_snapshot(make_url(settings.database_url), work)
    if path is not None:
        checks[0].missing_anchors(_lines(path) or [])
    return verdict


def _lines(path: Path | None) -> list[bytes] | None:
    if path is None:
        return None
    return path.read_bytes().splitlines() if path.exists() else []


async def _in_snapshot(url: URL, work: Callable[[Connection], Verdict]) -> Verdict:
    if url.get_backend_name() == "sqlite":
        return await asyncio.to_thread(_in_file, url, work)
    engine = create_async_engine(url.set(drivername="postgresql+asyncpg"), isolation_level="REPEATABLE READ")
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _in_file(url: URL, work: Callable[[Connection], Verdict]) -> Verdict:
    # Not made where there is none; not `ro`, which can't open a file that was closed well.
    file = f"file:{Path(url.database or '').absolute()}"
    engine = create_engine(
        URL.create("sqlite", database=file, query={"mode": "rw", "uri": "true"}), connect_args={"isolation_level": None}
    )
    event.listen(engine, "begin", _begin)
    try:
        with engine.connect() as connection:
            return work(connection)
    finally:
        engine.dispose()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def said(verdict: Verdict) -> Iterator[str]:
    """The verdict in sentences."""
    yield from verdict.notes
    for finding in verdict.findings[:100]:
        yield f"BROKEN {finding.user}, row {finding.number}: {finding.what}."
    yield f"{verdict.users} chains, {verdict.rows} rows, {verdict.anchors} anchors: {len(verdict.findings)} faults."


def main(arguments: Sequence[str]) -> int:
    """For containers, where there is no `colloquy`: 0 when all is well, 1 when not, 2 when it was not called so."""
    if list(arguments) != ["verify"]:
        sys.stderr.write("usage: python -P -m memory.tools.audit verify\n")
        return 2
    verdict = asyncio.run(verify(read(MemorySettings), lambda _done, _total: None))
    sys.stdout.write("".join(f"{line}\n" for line in said(verdict)))
    return 1 if verdict.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
