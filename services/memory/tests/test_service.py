"""Memory as a process would run it, on the real bus: what other services and readers see."""

import asyncio
import os
import random
import sys
from contextlib import asynccontextmanager

import pytest

from memory.app import application
from shared.contract.events import EVENTS
from shared.contract.inference import GENERATE, StopNow
from shared.contract.memory import (
    CHECK_HEALTH,
    CLAIM_GENERATION,
    FINISH_GENERATION,
    LIST_MESSAGES,
    SEND_MESSAGE,
    STOP_GENERATION,
    CheckHealth,
    ClaimGeneration,
    FinishGeneration,
    ListMessages,
    SendMessage,
    StopGeneration,
)
from shared.contract.subjects import conversation_event, stop_signal
from shared.errors import Busy, Fault, UnknownConversation


@pytest.fixture
async def memory(new_bus, settings):
    """The running service."""
    async with application(settings, await new_bus("memory")):
        yield


@pytest.fixture
async def gateway(new_bus):
    return await new_bus("gateway")


def send(bus, text="hello", **more):
    return bus.ask(SEND_MESSAGE, SendMessage(user="ana", text=text, **more))


async def events_of(bus, conversation_id):
    stored = await bus.read(conversation_event("ana", conversation_id))
    return [EVENTS[name.decode()].decode(data) for _, name, data in stored]


async def work_off(bus, running, overlaps, slots=8):
    """A worker that answers everything at once, and notes whether two answers of one conversation ever overlap."""

    async def handle(order, delivery):
        claim = await bus.ask(CLAIM_GENERATION, ClaimGeneration(generation_id=order.generation_id, worker="w"))
        if claim.decision != "run":
            return
        if claim.conversation_id in running:
            overlaps.append(claim.conversation_id)
        running.add(claim.conversation_id)
        await asyncio.sleep(0.001)  # the model at work
        running.discard(claim.conversation_id)
        question = FinishGeneration(
            generation_id=order.generation_id, epoch=claim.epoch, outcome="completed", text=claim.messages[-1].text
        )
        await bus.ask(FINISH_GENERATION, question)

    async def dead(order, reason):
        raise AssertionError(reason)

    return bus.work(GENERATE, handle, dead, slots=slots)


@asynccontextmanager
async def stopped_signals(bus, generation_id):
    heard = asyncio.Event()
    async with bus.listen(stop_signal(generation_id), StopNow, lambda _: heard.set()):
        yield heard


async def test_every_call_of_memory_is_answered_with_its_own_faults(memory, gateway):
    accepted = await send(gateway)
    assert accepted.queue_position == 0
    with pytest.raises(UnknownConversation):
        await send(gateway, conversation_id="c_nowhere")
    await gateway.ask(CHECK_HEALTH, CheckHealth())


async def test_what_happened_lies_on_the_feed_in_order(memory, gateway, bus):
    accepted = await send(gateway)
    async with asyncio.timeout(10):
        while len(events := await events_of(bus, accepted.conversation_id)) < 3:
            await asyncio.sleep(0.01)
    assert [event.type_name for event in events] == ["conversation.created", "message.created", "message.created"]


async def test_a_stop_reaches_a_worker_that_listens(memory, gateway, new_bus):
    worker = await new_bus("inference")
    accepted = await send(gateway)
    await worker.ask(CLAIM_GENERATION, ClaimGeneration(generation_id=accepted.generation_id, worker="w"))
    async with stopped_signals(worker, accepted.generation_id) as heard, asyncio.timeout(5):
        await gateway.ask(STOP_GENERATION, StopGeneration(user="ana", conversation_id=accepted.conversation_id))
        await heard.wait()


@pytest.mark.slow
async def test_f20_200_rounds_of_4_clients_store_every_message_once_and_never_run_two_answers_of_a_conversation(
    memory, gateway, new_bus, settings
):
    rounds = 200 if settings.database_url.startswith("sqlite") else 60
    clients = [await new_bus("gateway") for _ in range(4)]
    worker = await new_bus("inference")
    first = await send(gateway, "beginning")
    where, overlaps, accepted = first.conversation_id, [], [first]
    async with await work_off(worker, set(), overlaps):
        for number in range(rounds):
            # Two of the four are the same request from two tabs.
            keys = [f"{number}-a", f"{number}-a", f"{number}-b", f"{number}-c"]
            texts = [f"text {key}" for key in keys]
            posts = zip(clients, texts, keys, strict=True)
            accepted += await asyncio.gather(*(patiently(c, t, where, k) for c, t, k in posts))
        messages = await all_answered(gateway, where)
    asked = [message for message in messages if message.role == "user"]
    assert len(asked) == 3 * rounds + 1 == len({a.message_id for a in accepted})
    assert len({message.text for message in asked}) == len(asked)
    assert overlaps == []
    by_id = {message.id: message for message in messages}
    answers = [message for message in messages if message.role == "assistant"]
    assert all(answer.text == by_id[answer.parent_id].text for answer in answers)


async def patiently(bus, text, where, key):
    """Tries again with the same key, as a client does when too many answers are open."""
    while True:
        try:
            return await send(bus, text, conversation_id=where, client_message_id=key)
        except Busy as busy:
            await asyncio.sleep(min(busy.retry_after, 0.05))


async def all_answered(bus, where):
    async with asyncio.timeout(60):
        while True:
            pages, before = [], None
            while True:
                question = ListMessages(user="ana", conversation_id=where, limit=500, before=before, branch=False)
                page = await bus.ask(LIST_MESSAGES, question)
                pages = page.messages + pages
                if (before := page.next) is None:
                    break
            if all(message.status == "completed" for message in pages):
                return pages
            await asyncio.sleep(0.05)


async def test_f9_events_of_messages_accepted_before_nats_died_are_on_the_feed_after_it_is_back(
    memory, gateway, bus, nats_server
):
    accepted = await send(gateway)
    sending = [asyncio.ensure_future(send(gateway, str(n), conversation_id=accepted.conversation_id)) for n in range(10)]
    await asyncio.sleep(random.random() / 200)
    await nats_server.kill()
    await nats_server.restart()
    done = await asyncio.gather(*sending, return_exceptions=True)
    known = {accepted.message_id, *(a.message_id for a in done if not isinstance(a, Fault))}
    async with asyncio.timeout(30):
        while not known <= set(await created(bus, accepted.conversation_id)):
            await asyncio.sleep(0.05)
    ids = await created(bus, accepted.conversation_id)
    assert len(ids) == len(set(ids))


async def created(bus, conversation_id):
    events = await events_of(bus, conversation_id)
    return [event.message.id for event in events if event.type_name == "message.created"]


async def test_a_restart_in_the_middle_loses_no_event_and_keeps_their_order(settings, new_bus, gateway, bus):
    conversation = None
    for _ in range(3):
        async with application(settings, await new_bus("memory")):
            for number in range(5):
                conversation = (await send(gateway, str(number), conversation_id=conversation)).conversation_id
    async with asyncio.timeout(10):
        while len(await created(bus, conversation)) < 30:
            await asyncio.sleep(0.02)
    versions = [event.version for event in await events_of(bus, conversation)]
    assert versions == sorted(versions)


@asynccontextmanager
async def process(nats_server, settings):
    """Memory as a process of its own; yields what kills it."""
    environment = os.environ | {"NATS_URL": nats_server.url("memory"), "MEMORY_DATABASE_URL": settings.database_url}
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", "memory", env=environment)
    try:
        yield running.kill
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


@pytest.mark.slow
async def test_f6_messages_sent_while_memory_is_killed_again_and_again_are_stored_and_told_once(
    nats_server, settings, gateway, bus
):
    async def send_all(where, ids):
        for number in range(10_000):
            ids.append((await surely(gateway, str(number), where)).message_id)
            if enough.is_set():
                return

    enough, ids = asyncio.Event(), []
    async with process(nats_server, settings):
        where = (await surely(gateway, "beginning", None)).conversation_id
    sending = asyncio.ensure_future(send_all(where, ids))
    for _ in range(3):
        async with process(nats_server, settings) as kill:
            before = len(ids)
            while len(ids) < before + 7:
                await asyncio.sleep(0.01)
            kill()
    async with process(nats_server, settings):
        enough.set()
        await sending
        async with asyncio.timeout(20):
            while not set(ids) <= set(await created(bus, where)):
                await asyncio.sleep(0.05)
    assert len(set(ids)) == len(ids)
    told = [event for event in await events_of(bus, where) if event.type_name == "message.created"]
    texts = [event.message.text for event in told if event.message.role == "user"]
    assert texts == ["beginning", *(str(number) for number in range(len(ids)))]


async def surely(bus, text, where):
    """Sends until it is accepted; interrupts what waits, so that the queue stays short."""
    while True:
        try:
            question = SendMessage(user="ana", text=text, conversation_id=where, client_message_id=text, if_busy="interrupt")
            return await bus.ask(SEND_MESSAGE, question, timeout=1.0)
        except Busy:
            await asyncio.sleep(0.05)
