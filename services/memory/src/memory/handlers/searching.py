"""What a person has said or noted, found again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from memory.clock import moment
from memory.derived import MESSAGE, NOTE
from memory.excerpt import excerpt
from memory.handlers.reading import Snapshot
from memory.ports import Find, Finder
from memory.query import Query, fold, indexed_words, parse
from memory.ranking import READ, fused, scores
from memory.records import search as records
from memory.records.search import Document
from shared.contract.knowledge import Hit, Hits, Search

CANDIDATES, PARTIAL = 150, 50
"""The newest matches are what is ranked: in a million messages a common word has hundreds of thousands."""

MOST_HITS = 100
LONGEST_QUERY = 1_000
COMMON = 40
"""A word that is in as many of a person's notes says nothing about which of them matters."""

RELEVANT_WORDS = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that matches, and how well."""

    document: Document
    score: float


def search(view: Snapshot, question: Search, near: Sequence[tuple[int, int]] = ()) -> Hits:
    """The best matches. `near` are things (kind and row) that mean something like it, the nearest first."""
    limit = max(1, min(question.limit, MOST_HITS))
    query = parse(question.query[:LONGEST_QUERY])
    finder = view.finder
    found = _by_words(finder, view, question, query, limit) if query.terms and finder is not None else []
    if near:
        found = _with_near(view, question, found, near)
    patterns = [query.pattern(loose=False), query.pattern(loose=True)] if query.terms else []
    return Hits(hits=[_hit(one, excerpt(one.document.text, patterns)) for one in found[:limit]])


def _by_words(finder: Finder, view: Snapshot, question: Search, query: Query, limit: int) -> list[Found]:
    """Those that have the words; when they are few, also those that have them inside of words."""
    where = _places(view, question)
    whole = [(find.kind, finder.find(view.connection, find, query)) for find in where]
    found = _ranked(_documents(view, question, whole), query)
    if len(found) < limit:
        known = {(one.document.kind, one.document.seq) for one in found}
        partly = [(find.kind, finder.find_parts(view.connection, replace(find, limit=PARTIAL), query)) for find in where]
        more = [one for one in _documents(view, question, partly) if (one.kind, one.seq) not in known]
        found += _partly(more, query)
    return found


def _places(view: Snapshot, question: Search) -> list[Find]:
    if question.conversation_id is None:
        return [Find(question.user, kind, CANDIDATES) for kind in (MESSAGE, NOTE)]
    span = records.span(view.connection, question.conversation_id)
    return [] if span is None else [Find(question.user, MESSAGE, CANDIDATES, question.conversation_id, span)]


def _documents(view: Snapshot, question: Search, found: Sequence[tuple[int, Sequence[int]]]) -> list[Document]:
    """What is there of what was found. The index is behind: a match may be gone, or be another's by now (S18)."""
    documents = [one for kind, seqs in found for one in records.documents(view.connection, kind, seqs)]
    place = question.conversation_id
    return [one for one in documents if one.user == question.user and place in (None, one.conversation_id)]


def _ranked(documents: Sequence[Document], query: Query) -> list[Found]:
    texts = [(fold(one.text[:READ]), len(one.text)) for one in documents]
    weighed = zip(documents, scores(texts, query.pattern(loose=False)), strict=True)
    return sorted((Found(one, round(score, 4)) for one, score in weighed), key=_best_first, reverse=True)


def _partly(documents: Sequence[Document], query: Query) -> list[Found]:
    """Those that have all of it somewhere; they come after whole words."""
    loose = [Query((term,)).pattern(loose=True) for term in query.terms]
    folded = [(one, fold(one.text)) for one in documents]
    there = [(one, text) for one, text in folded if all(pattern.search(text) for pattern in loose)]
    weighed = scores([(text[:READ], len(text)) for _, text in there], query.pattern(loose=True))
    found = [Found(one, round(score / 100, 4)) for (one, _), score in zip(there, weighed, strict=True)]
    return sorted(found, key=_best_first, reverse=True)


def _best_first(found: Found) -> tuple[float, int]:
    return found.score, found.document.created_at


def _with_near(view: Snapshot, question: Search, found: list[Found], near: Sequence[tuple[int, int]]) -> list[Found]:
    known = {(one.document.kind, one.document.seq): one.document for one in found}
    more = [(kind, [seq for at, seq in near if at == kind and (kind, seq) not in known]) for kind in (MESSAGE, NOTE)]
    for document in _documents(view, question, more):
        known[document.kind, document.seq] = document
    score = fused([[(one.document.kind, one.document.seq) for one in found], [key for key in near if key in known]])
    return sorted((Found(known[key], value) for key, value in score.items()), key=_best_first, reverse=True)


def _hit(found: Found, shown: tuple[str, list[list[int]]]) -> Hit:
    document = found.document
    return Hit(
        type="message" if document.kind == MESSAGE else "note",
        id=document.id,
        conversation_id=document.conversation_id,
        role=document.role,  # pyright: ignore[reportArgumentType] - the database has no others
        title=document.title,
        snippet=shown[0],
        highlights=shown[1],
        score=found.score,
        created_at=moment(document.created_at),
    )


def relevant_notes(finder: Finder | None, connection: Connection, user: str, text: str, limit: int) -> list[str]:
    """Ids of the notes that have most to do with a text, the best first: those that share its rarest words."""
    if finder is None:
        return []
    words = sorted({word for word in indexed_words(text[:READ]) if len(word) > 2}, key=len, reverse=True)
    weight: dict[int, float] = {}
    for word in words[:RELEVANT_WORDS]:
        seqs = finder.find_word(connection, Find(user, NOTE, COMMON), word)
        for seq in seqs if len(seqs) < COMMON else ():
            weight[seq] = weight.get(seq, 0.0) + 1 / len(seqs)
    best = sorted(weight, key=lambda seq: (weight[seq], seq), reverse=True)[:limit]
    ids = records.note_ids(connection, user, best)
    return [ids[seq] for seq in best if seq in ids]
