"""The search index on PostgreSQL: a tsvector of the words, and where the extension pg_trgm is, an index of trigrams.

The words are cut by `query`, as on SQLite, so both databases find the same; `simple` only has to take them as they are.
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Connection, column, text

from memory.adapters.postgres_extensions import extended
from memory.adapters.sqlite_search import MOST_CHARACTERS, MOST_PARTS
from memory.ports import Entered, Find
from memory.query import Query, Term, indexed_words
from memory.records.prepared import rows, run, run_all

_PUT = text(
    "INSERT INTO search_documents (kind, seq, user_id, conversation_id, words, parts)"
    " VALUES (:kind, :seq, :user, :conversation, to_tsvector('simple', :body), :parts) ON CONFLICT (user_id, kind, seq)"
    " DO UPDATE SET conversation_id = EXCLUDED.conversation_id, words = EXCLUDED.words, parts = EXCLUDED.parts"
)
_TAKE = text("DELETE FROM search_documents WHERE user_id = :user AND kind = :kind AND seq = :seq")
_WHERE = (
    " user_id = :user AND kind = :kind AND seq BETWEEN :first AND :last"
    " AND (CAST(:conversation AS text) IS NULL OR conversation_id = :conversation)"
    " ORDER BY seq DESC LIMIT :limit"
)
_MATCHING = "SELECT seq FROM search_documents WHERE words @@ to_tsquery('simple', :query) AND"
_FIND = text(_MATCHING + _WHERE).columns(column("seq", BigInteger))
_PARTS = " AND ".join(f"parts LIKE :part{place}" for place in range(4))
_FIND_PARTS = text(f"SELECT seq FROM search_documents WHERE {_PARTS} AND {_WHERE}").columns(  # noqa: S608 - our names
    column("seq", BigInteger)
)
# Which index is the better one depends on the words: a plan for any words is a bad one for most.
_PLAN = text("SET LOCAL plan_cache_mode = force_custom_plan")
_HAS_PARTS = text("SELECT count(to_regclass('search_documents_parts')) AS count").columns(column("count", BigInteger))
_INDEX_PARTS = text("CREATE INDEX IF NOT EXISTS search_documents_parts ON search_documents USING gin (parts gin_trgm_ops)")
_FORGET = text("DELETE FROM search_documents WHERE user_id = :user")
_EMPTY = text("TRUNCATE search_documents")
_CLEAN = text("SELECT gin_clean_pending_list('search_documents_words') AS pages").columns(column("pages", BigInteger))
_LAST = 1 << 62
MOST_WORDS = 100_000
"""Characters of words: a tsvector holds 1 MB, positions among them."""


class PostgresFinder:
    """See `ports.Finder`."""

    def index(self, connection: Connection, taken: Sequence[Entered], put: Sequence[Entered]) -> None:
        """See `ports.Finder.index`."""
        gone = {(entry.user, entry.kind, entry.seq) for entry in taken} - {(one.user, one.kind, one.seq) for one in put}
        run_all(connection, _TAKE, [{"user": user, "kind": kind, "seq": seq} for user, kind, seq in sorted(gone)])
        run_all(connection, _PUT, [_values(entry) for entry in put])

    def find(self, connection: Connection, find: Find, query: Query) -> list[int]:
        """See `ports.Finder.find`."""
        return self._find(connection, find, " & ".join(map(_phrase, query.terms)))

    def find_parts(self, connection: Connection, find: Find, query: Query) -> list[int]:
        """See `ports.Finder.find_parts`. The longest four parts are asked for; the caller looks at all of them."""
        if query.parts is not None:
            longest = sorted(query.parts, key=len, reverse=True)[:4]
            likes = [f"%{part}%" for part in longest] + ["%"] * (4 - len(longest))
            values = _where(find) | {f"part{place}": like for place, like in enumerate(likes)}
            run(connection, _PLAN, {})
            return [found.seq for found in rows(connection, _FIND_PARTS, values)]
        *before, last = query.terms
        if len(last.runs) != 1 or len(last.runs[0].text) < 2:
            return []
        return self._find(connection, find, " & ".join([*map(_phrase, before), f"'{last.words[-1]}':*"]))

    def find_word(self, connection: Connection, find: Find, word: str) -> list[int]:
        """See `ports.Finder.find_word`."""
        return self._find(connection, find, f"'{word}'")

    def _find(self, connection: Connection, find: Find, query: str) -> list[int]:
        run(connection, _PLAN, {})
        return [found.seq for found in rows(connection, _FIND, _where(find) | {"query": query})]

    def forgotten(self, connection: Connection, user: str) -> bool:
        """See `ports.Finder.forgotten`. Nothing else needs to be known to take them out here."""
        run(connection, _FORGET, {"user": user})
        return True

    def prepare(self, connection: Connection) -> None:
        """See `ports.Finder.prepare`. Without pg_trgm parts of words are looked for in all that a user has said."""
        if not rows(connection, _HAS_PARTS, {})[0].count and extended(connection, "pg_trgm"):
            run(connection, _INDEX_PARTS, {})

    def begin_anew(self, connection: Connection) -> None:
        """See `ports.Finder.begin_anew`."""
        run(connection, _EMPTY, {})

    def scrub(self, connection: Connection, *, first: bool) -> bool:
        """See `ports.Finder.scrub`. Here it is one step: what was taken out but waits in GIN's list is moved on."""
        if first:
            rows(connection, _CLEAN, {})
        return False


def _values(entry: Entered) -> dict[str, object]:
    words = indexed_words(entry.text[:MOST_CHARACTERS])
    return {
        "kind": entry.kind,
        "seq": entry.seq,
        "user": entry.user,
        "conversation": entry.conversation_id,
        "body": " ".join(words)[:MOST_WORDS],
        "parts": " ".join(dict.fromkeys(word for word in words if len(word) > 2))[:MOST_PARTS],
    }


def _where(find: Find) -> dict[str, object]:
    first, last = find.span or (0, _LAST)
    return {
        "user": find.user,
        "kind": find.kind,
        "conversation": find.conversation_id,
        "limit": find.limit,
        "first": first,
        "last": last,
    }


def _phrase(term: Term) -> str:
    """Words hold letters and digits only: nothing between quotes ends them."""
    if term.is_start:
        return f"'{term.words[0]}':*"
    return "(" + " <-> ".join(f"'{word}'" for word in term.words) + ")"
