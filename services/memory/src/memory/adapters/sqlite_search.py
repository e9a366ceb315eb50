"""The search index on SQLite: FTS5 by words, and by trigrams for what stands inside of words.

A row's number is `kind << 62 | user << 36 | seq`: what one user has said lies together, in the order of time, so a search
reads nothing of others (S18) and stops at the newest matches. Neither table keeps text: an entry is taken out by its old text.
"""

import re
from collections.abc import Sequence

from sqlalchemy import BigInteger, Connection, column, text

from memory.derived import MESSAGE, NOTE
from memory.ports import Entered, Find
from memory.query import Query, Term, indexed_words
from memory.records.prepared import row, rows, run, run_all, scalar

USER_BITS, KIND_BITS = 36, 62
MOST_CHARACTERS, MOST_PARTS = 200_000, 32_768
"""Of a text that are indexed by words, and of its words by trigrams: one note must not hold up everybody's writes."""

MERGED_PAGES = 60
"""Pages that are merged with every batch of 50: FTS5 would do it by itself, 500 ms at once; this takes 5 (measured)."""

SCRUBBED_PAGES = 500
_LAST = (1 << USER_BITS) - 1
_PLACE = re.compile(r"[0-9a-z]+")

_NUMBER = text("SELECT number FROM search_users WHERE user_id = :user").columns(column("number", BigInteger))
_NEW_NUMBER = text("INSERT INTO search_users (user_id, number) SELECT :user, coalesce(max(number), 0) + 1 FROM search_users")
_FORGET_NUMBER = text("DELETE FROM search_users WHERE user_id = :user")
_KNOWN = text("SELECT id FROM search_words_docsize WHERE id = :doc").columns(column("id", BigInteger))
_ANY_OF = text("SELECT id FROM search_words_docsize WHERE id BETWEEN :low AND :high LIMIT 1").columns(column("id", BigInteger))
_ADD_WORDS = text("INSERT INTO search_words (rowid, place, body) VALUES (:doc, :place, :body)")
_ADD_PARTS = text("INSERT INTO search_parts (rowid, body) VALUES (:doc, :body)")
_DROP_WORDS = text("INSERT INTO search_words (search_words, rowid, place, body) VALUES ('delete', :doc, :place, :body)")
_DROP_PARTS = text("INSERT INTO search_parts (search_parts, rowid, body) VALUES ('delete', :doc, :body)")
_MERGE = [
    text("INSERT INTO search_words (search_words, rank) VALUES ('merge', :pages)"),
    text("INSERT INTO search_parts (search_parts, rank) VALUES ('merge', :pages)"),
]
_EMPTY = [
    text("INSERT INTO search_words (search_words) VALUES ('delete-all')"),
    text("INSERT INTO search_parts (search_parts) VALUES ('delete-all')"),
    text("DELETE FROM search_users"),
]
_CHANGES = text("SELECT total_changes() AS changes").columns(column("changes", BigInteger))
_FIND = {
    name: text(
        f"SELECT rowid AS doc FROM {name} WHERE {name} MATCH :query AND rowid BETWEEN :low AND :high"  # noqa: S608 - our names
        " ORDER BY rowid DESC LIMIT :limit"
    ).columns(column("doc", BigInteger))
    for name in ("search_words", "search_parts")
}


class SqliteFinder:
    """See `ports.Finder`."""

    def index(self, connection: Connection, taken: Sequence[Entered], put: Sequence[Entered]) -> None:
        """See `ports.Finder.index`. Entries go in by ascending numbers: each step back would make FTS5 write a segment."""
        known = [(doc, entry) for doc, entry in self._numbered(connection, taken) if self._is_known(connection, doc)]
        gone = [(doc, entry) for doc, entry in known if entry.text]
        stays = {doc for doc, _ in known} - {doc for doc, _ in gone}
        self._each(connection, gone, _DROP_WORDS, _DROP_PARTS)
        new = [(doc, entry) for doc, entry in self._numbered(connection, put) if doc not in stays]
        self._each(connection, new, _ADD_WORDS, _ADD_PARTS)
        if gone or new:
            for merge in _MERGE:
                run(connection, merge, {"pages": MERGED_PAGES})

    def _is_known(self, connection: Connection, doc: int) -> bool:
        """Taking out what is not in it would damage it, and so would entering twice."""
        return row(connection, _KNOWN, {"doc": doc}) is not None

    def _numbered(self, connection: Connection, entries: Sequence[Entered]) -> list[tuple[int, Entered]]:
        return sorted(((self._doc(connection, entry), entry) for entry in entries), key=lambda pair: pair[0])

    def _each(self, connection: Connection, entries: Sequence[tuple[int, Entered]], of_words: object, of_parts: object) -> None:
        prepared = [(doc, entry, indexed_words(entry.text[:MOST_CHARACTERS])) for doc, entry in entries]
        run_all(
            connection,
            of_words,
            [{"doc": doc, "place": _place(entry.conversation_id), "body": " ".join(words)} for doc, entry, words in prepared],
        )
        run_all(connection, of_parts, [{"doc": doc, "body": _parts(words)} for doc, _, words in prepared])

    def _doc(self, connection: Connection, entry: Entered) -> int:
        number = scalar(connection, _NUMBER, {"user": entry.user})
        if number is None:
            run(connection, _NEW_NUMBER, {"user": entry.user})
            number = scalar(connection, _NUMBER, {"user": entry.user})
        return entry.kind << KIND_BITS | number << USER_BITS | entry.seq

    def find(self, connection: Connection, find: Find, query: Query) -> list[int]:
        """See `ports.Finder.find`."""
        terms = [_phrase(term) for term in query.terms]
        if find.conversation_id is not None:
            terms.append(f'place : "{_place(find.conversation_id)}"')
        return self._find(connection, "search_words", find, " AND ".join(terms))

    def find_parts(self, connection: Connection, find: Find, query: Query) -> list[int]:
        """See `ports.Finder.find_parts`. Runs of two letters are looked for as beginnings of words."""
        if query.parts is not None:
            return self._find(connection, "search_parts", find, " AND ".join(map(_trigrams, query.parts)))
        *before, last = query.terms
        if len(last.runs) != 1 or len(last.runs[0].text) < 2:
            return []
        return self._find(connection, "search_words", find, " AND ".join([*map(_phrase, before), _phrase(last) + " *"]))

    def find_word(self, connection: Connection, find: Find, word: str) -> list[int]:
        """See `ports.Finder.find_word`."""
        return self._find(connection, "search_words", find, f'body : "{word}"')

    def _find(self, connection: Connection, name: str, find: Find, query: str) -> list[int]:
        number = scalar(connection, _NUMBER, {"user": find.user})
        if number is None:
            return []
        base = find.kind << KIND_BITS | number << USER_BITS
        first, last = find.span or (0, _LAST)
        values = {"query": query, "low": base | first, "high": base | last, "limit": find.limit}
        return [found.doc & _LAST for found in rows(connection, _FIND[name], values)]

    def forgotten(self, connection: Connection, user: str) -> bool:
        """See `ports.Finder.forgotten`."""
        number = scalar(connection, _NUMBER, {"user": user})
        if number is None:
            return True
        for kind in (MESSAGE, NOTE):
            base = kind << KIND_BITS | number << USER_BITS
            if row(connection, _ANY_OF, {"low": base, "high": base | _LAST}) is not None:
                return False
        run(connection, _FORGET_NUMBER, {"user": user})
        return True

    def prepare(self, connection: Connection) -> None:
        """See `ports.Finder.prepare`. The migration made all of it."""

    def begin_anew(self, connection: Connection) -> None:
        """See `ports.Finder.begin_anew`."""
        for empty in _EMPTY:
            run(connection, empty, {})

    def scrub(self, connection: Connection, *, first: bool) -> bool:
        """See `ports.Finder.scrub`. A negative number begins to merge everything: https://sqlite.org/fts5.html#the_merge_command"""
        steps = [self._merge(connection, merge, first=first) for merge in _MERGE]
        return any(steps)

    def _merge(self, connection: Connection, merge: object, *, first: bool) -> bool:
        before = scalar(connection, _CHANGES, {})
        run(connection, merge, {"pages": -SCRUBBED_PAGES if first else SCRUBBED_PAGES})
        return scalar(connection, _CHANGES, {}) - before >= 2


def _phrase(term: Term) -> str:
    """Words hold letters and digits only: nothing in quotes is syntax."""
    quoted = 'body : "' + " ".join(term.words) + '"'
    return quoted + " *" if term.is_start else quoted


def _trigrams(part: str) -> str:
    return " AND ".join(f'"{part[place : place + 3]}"' for place in range(len(part) - 2))


def _parts(words: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(word for word in words if len(word) > 2))[:MOST_PARTS]


def _place(conversation_id: str | None) -> str:
    """One word that stands for the conversation."""
    return "".join(_PLACE.findall((conversation_id or "note").lower()))
