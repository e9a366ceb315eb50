"""Titles and summaries: ordered after an answer, made by a worker when it has time, kept if they are still wanted."""

from memory import digest as rules
from memory.context import uncovered
from memory.digest import Standing
from memory.records import conversations, digests, messages
from memory.tokens import characters
from memory.transaction import Transaction
from shared.contract.events import ConversationUpdated
from shared.contract.knowledge import DigestMaterial, PrepareDigest, StoreDigest
from shared.contract.memory import Done
from shared.errors import UnknownMessage

FIRST = 8
"""Messages that a title is looked for in."""

FAR = 2_000
"""Messages that are looked at for a summary."""

NOTHING = DigestMaterial(decision="done")


def order(tx: Transaction, conversation_id: str, standing: Standing, *, crowded: bool) -> None:
    """Orders what this conversation needs and what is not under way."""
    patience = int(tx.limits.digest_patience_minutes * 60e6)
    if rules.title_wanted(standing) and rules.due(standing.title_ordered, tx.micros, patience):
        digests.title_ordered(tx.connection, conversation_id, tx.micros)
        tx.order_digest(standing.user, conversation_id, "title")
    if crowded and not standing.temporary and rules.due(standing.summary_ordered, tx.micros, patience):
        digests.summary_ordered(tx.connection, conversation_id, tx.micros)
        tx.order_digest(standing.user, conversation_id, "summary")


def prepare_digest(tx: Transaction, question: PrepareDigest) -> DigestMaterial:
    """What the digest is made of, if it is still wanted."""
    standing = _standing(tx, question.user, question.conversation_id)
    if standing is None or standing.temporary:
        return NOTHING
    make = _title_material if question.kind == "title" else _summary_material
    return make(tx, question.conversation_id, standing)


def _standing(tx: Transaction, user: str, conversation_id: str) -> Standing | None:
    standing = digests.standing(tx.connection, conversation_id)
    return standing if standing is not None and standing.user == user else None


def _title_material(tx: Transaction, conversation_id: str, standing: Standing) -> DigestMaterial:
    first = digests.first(tx.connection, conversation_id, FIRST)
    asked = next((message.text for message in first if message.role == "user"), None)
    if rules.title_wanted(standing) and rules.named_by_user(standing, asked):
        digests.named(tx.connection, conversation_id, "user")
        return NOTHING
    material = rules.titled(first)
    if not material or not rules.title_wanted(standing):
        return NOTHING
    return DigestMaterial(decision="run", messages=material, model=digests.model(tx.connection, conversation_id))


def _summary_material(tx: Transaction, conversation_id: str, standing: Standing) -> DigestMaterial:
    budget = tx.limits.prompt_tokens
    branch = messages.remembered(tx.connection, standing.head_id or "", FAR, 4 * characters(budget))
    rest, covered = uncovered(branch, standing.summary_until)
    told = rules.told(rest, budget)
    if told is None:
        digests.summary_ordered(tx.connection, conversation_id, None)
        return NOTHING
    return DigestMaterial(
        decision="run",
        messages=told.messages,
        summary=standing.summary if covered else None,
        until=told.until,
        model=digests.model(tx.connection, conversation_id),
    )


def store_digest(tx: Transaction, question: StoreDigest) -> Done:
    """Keeps it, unless the conversation is gone or the user has named it meanwhile."""
    standing = _standing(tx, question.user, question.conversation_id)
    if standing is not None and not standing.temporary:
        keep = _keep_title if question.kind == "title" else _keep_summary
        keep(tx, question, standing)
    return Done()


def _keep_title(tx: Transaction, question: StoreDigest, standing: Standing) -> None:
    title = rules.clean_title(question.text)
    if title is None or not rules.title_wanted(standing):
        return
    user, old = question.user, conversations.get(tx.connection, question.user, question.conversation_id)
    if title == old.title:
        digests.named(tx.connection, old.id, "model")
        return
    new = old.model_copy(update={"title": title, "updated_at": tx.at})
    conversations.change(tx.connection, new, tx.version(user))
    digests.named(tx.connection, new.id, "model")
    tx.tell(user, ConversationUpdated(**tx.stamp(user), conversation_id=new.id, conversation=new))
    tx.touch(user, "conversations")


def _keep_summary(tx: Transaction, question: StoreDigest, _: Standing) -> None:
    """No event: a summary is not shown. Only the worker that was last given material is right, and a late one does no harm."""
    keep_summary(tx, question.conversation_id, question.text, question.until or "")


def keep_summary(tx: Transaction, conversation_id: str, text: str, until: str) -> None:
    """Keeps a summary of what was said up to this message, if that is still there."""
    summary: str | None = rules.clean_summary(text)
    try:
        messages.number(tx.connection, conversation_id, until)
    except UnknownMessage:
        return
    if summary is not None:
        digests.keep_summary(tx.connection, conversation_id, summary, until)
