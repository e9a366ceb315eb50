"""How memory is put together."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import structlog
from pydantic import SecretStr
from sqlalchemy import Connection

from memory.adapters.anchor_file import AnchorFile
from memory.adapters.finders import finder_of
from memory.adapters.library import searching
from memory.adapters.store import open_store
from memory.anchoring import Anchoring, anchor_path
from memory.clock import Clock, micros
from memory.departing import Departures
from memory.handlers import (
    conversations,
    digests,
    export,
    outputs,
    person,
    presence,
    reading,
    tidying,
    tools,
    transcripts,
    turns,
    work,
)
from memory.handlers.searching import search as find
from memory.ledger import Ledger
from memory.moving import refuse_half_moved
from memory.outbox import Letter
from memory.ports import Post, Store
from memory.publisher import Publisher, publishing
from memory.records import generations, log
from memory.records import transcripts as transcript_records
from memory.settings import MemorySettings
from memory.sweep import Sweeper
from shared import __version__
from shared.bus import Answer, Bus
from shared.contract import account, knowledge, speech
from shared.contract import memory as contract
from shared.contract.base import Message
from shared.contract.knowledge import Hits, Search
from shared.contract.memory import CheckHealth, ClearHistory, Deleted, Done
from shared.contract.topics import Call
from shared.ids import new_id
from shared.tasks import owned

logger: structlog.stdlib.BoundLogger = structlog.get_logger()

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)

GRACE_SECONDS = 2.0
"""What is under way to NATS is given this long at the end; the rest is in the outbox."""

LOAD_AT_ONCE = 500


@asynccontextmanager
async def application(settings: MemorySettings, bus: Bus) -> AsyncGenerator[None]:
    """Memory, answering its calls while the context is open."""
    async with opened(settings, bus) as (ledger, store):
        erase = Answer(account.ERASE_ACCOUNT, Departures(ledger, bus).erase)
        async with bus.answer("memory", __version__, [*answers(ledger, store), erase]):
            yield


@asynccontextmanager
async def opened(settings: MemorySettings, bus: Post, clock: Clock | None = None) -> AsyncGenerator[tuple[Ledger, Store]]:
    """The same without the calls: the database, and what works on it in the background."""
    given, clock = clock, clock or Clock()
    async with (
        open_store(settings, new_id("s"), micros(clock.now())) as store,
        publishing(bus, partial(_forget, store), partial(_set_aside, store), GRACE_SECONDS) as publisher,
        owned() as tasks,
    ):
        await store.read(refuse_half_moved)
        clock = given or store.clock(clock)
        settings = keyed(settings, store.database_id)
        ledger = Ledger(store, publisher, settings, clock, new_id, finder_of(settings.database_url))
        if store.alone:
            await store.write(lambda c: generations.after_start(c, clock.ticks(), settings.lease_seconds))
            await store.write(lambda c: transcript_records.after_start(c, clock.ticks(), settings.lease_seconds))
        await _load(store, publisher)
        sweeping = tasks.create_task(Sweeper(ledger, settings, clock).run())
        departing = tasks.create_task(Departures(ledger, bus).run())
        anchoring = tasks.create_task(Anchoring(store, _anchors(settings), settings, clock).run())
        try:
            async with searching(ledger, settings):
                yield ledger, store
        finally:
            sweeping.cancel()
            anchoring.cancel()
            departing.cancel()


def keyed(settings: MemorySettings, database_id: str) -> MemorySettings:
    """The settings with a key for the audit. Without one of their own the database's id serves, which is no secret."""
    if settings.audit_key.get_secret_value():
        return settings
    logger.warning("audit.unkeyed")
    return settings.model_copy(update={"audit_key": SecretStr(database_id)})


def _anchors(settings: MemorySettings) -> AnchorFile | None:
    path = anchor_path(settings)
    return None if path is None else AnchorFile(path)


async def _load(store: Store, publisher: Publisher) -> None:
    """Whatever a process before this one has left in the outbox comes before anything new."""
    after, count = 0, 0
    while True:
        letters, after = await store.read(partial(log.unsent, after=after, limit=LOAD_AT_ONCE))
        if not letters:
            break
        publisher.load(letters)
        count += len(letters)
    if count:
        logger.info("outbox.loaded", letters=count)


async def _forget(store: Store, ids: Sequence[str]) -> None:
    await store.write(lambda connection: log.forget_letters(connection, ids))


async def _set_aside(store: Store, letter: Letter, reason: str) -> None:
    def work(connection: Connection) -> None:
        log.set_aside(connection, letter.id, reason)

    await store.write(work)


def answers(ledger: Ledger, store: Store) -> list[Answer[Any, Any]]:
    """Every call of the contract, and what answers it."""

    def writes(call: Call[Q, A], handler: Callable[[Any, Q], A]) -> Answer[Q, A]:
        return Answer(call, partial(ledger.write, handler))

    def reads(call: Call[Q, A], handler: Callable[[Any, Q], A]) -> Answer[Q, A]:
        return Answer(call, partial(ledger.read, handler))

    return [
        writes(contract.SEND_MESSAGE, turns.send_message),
        writes(contract.REGENERATE, turns.regenerate),
        writes(contract.EDIT_MESSAGE, turns.edit_message),
        writes(contract.STOP_GENERATION, turns.stop_generation),
        writes(contract.CLAIM_GENERATION, work.claim_generation),
        writes(contract.RENEW_LEASE, work.renew_lease),
        writes(contract.FINISH_GENERATION, work.finish_generation),
        writes(contract.RELEASE_GENERATION, work.release_generation),
        writes(contract.ABANDON_GENERATION, work.abandon_generation),
        *(writes(call, handler) for call, handler in tools.WRITES),
        *(reads(call, handler) for call, handler in tools.READS),
        writes(account.STORE_OUTPUT, outputs.store_output),
        writes(knowledge.PREPARE_DIGEST, digests.prepare_digest),
        writes(knowledge.STORE_DIGEST, digests.store_digest),
        writes(knowledge.TIDY_UP, tidying.tidy_up),
        writes(contract.CREATE_CONVERSATION, conversations.create_conversation),
        writes(contract.UPDATE_CONVERSATION, conversations.update_conversation),
        writes(contract.DELETE_CONVERSATION, conversations.delete_conversation),
        writes(contract.RECORD_PRESENCE, presence.record_presence),
        reads(contract.LIST_CONVERSATIONS, reading.list_conversations),
        reads(contract.GET_CONVERSATION, reading.get_conversation),
        reads(contract.LIST_MESSAGES, reading.list_messages),
        reads(contract.OPEN_STREAM, reading.open_stream),
        *(writes(call, handler) for call, handler in person.WRITES),
        *(reads(call, handler) for call, handler in person.READS),
        writes(speech.CREATE_TRANSCRIPT, transcripts.create_transcript),
        writes(speech.KEEP_TRANSCRIPT, transcripts.keep_transcript),
        writes(speech.CLAIM_TRANSCRIPT, transcripts.claim_transcript),
        writes(speech.RENEW_TRANSCRIPT, transcripts.renew_transcript),
        writes(speech.FINISH_TRANSCRIPT, transcripts.finish_transcript),
        writes(speech.RELEASE_TRANSCRIPT, transcripts.release_transcript),
        writes(speech.ABANDON_TRANSCRIPT, transcripts.abandon_transcript),
        reads(speech.GET_TRANSCRIPT, transcripts.get_transcript),
        reads(speech.SIFT_TRANSCRIPTS, transcripts.sift_transcripts),
        reads(account.EXPORT, export.export),
        Answer(knowledge.SEARCH, partial(search, ledger)),
        Answer(contract.CLEAR_HISTORY, partial(clear_history, ledger)),
        Answer(contract.CHECK_HEALTH, partial(check_health, store)),
    ]


async def search(ledger: Ledger, question: Search) -> Hits:
    """What means something like it is asked for first: no snapshot waits for another server."""
    near = await ledger.recall.nearest(question.user, question.query) if ledger.recall is not None else []
    return await ledger.read(lambda view, asked: find(view, asked, near), question)


async def clear_history(ledger: Ledger, question: ClearHistory) -> Deleted:
    """Deletes in steps, so that nobody else waits for long."""
    deleted: list[str] = []
    while True:
        some = await ledger.write(conversations.clear_some, question)
        deleted += some.conversation_ids
        if question.conversation_id is not None or not some.conversation_ids:
            return Deleted(conversation_ids=deleted)


async def check_health(store: Store, _: CheckHealth) -> Done:
    """Raises the fault that writing meets now."""
    await store.check()
    return Done()
