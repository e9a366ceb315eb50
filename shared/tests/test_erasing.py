"""Erased messages are gone from the disk, and only they."""

import pytest

from shared.bus import Fenced
from shared.contract.subjects import conversation_event, dead, job, state_event, token_log, trace_of, traces_of

CANARY = b"canary-8f1b2c"
OTHER = b"other-77aa01"


def files_with(server, word):
    return sorted(path.name for path in server.config.store_dir.rglob("*") if path.is_file() and word in path.read_bytes())


async def fill(bus, user, word, count=150):
    for number in range(count):
        await bus.store(token_log(user, "c1", "g1"), b"%b %d" % (word, number), type="llm.token", ttl=3600)
    await bus.store(state_event(user, "notes"), word * 30_000, type="note.created")
    await bus.store(job("generate", user), word)
    await bus.store(dead("generate", job("generate", user).split(".")[-1]), word)


async def test_s16_what_is_erased_is_in_no_file_and_what_others_have_is_untouched(nats_server, new_bus):
    admin, memory = await new_bus(), await new_bus("memory")
    await fill(admin, "ana", CANARY)
    await fill(admin, "bob", OTHER)
    assert files_with(nats_server, CANARY)
    assert [count for trace in traces_of("ana") if (count := await memory.erase(trace))] == [151, 1, 1]
    assert files_with(nats_server, CANARY) == []
    assert len(await admin.read(token_log("bob", "c1", "g1"))) == 150
    await nats_server.restart()
    assert await admin.read(token_log("ana", "c1", "g1")) == []
    assert len(await admin.read(token_log("bob", "c1", "g1"))) == 150
    await nats_server.stop()
    assert files_with(nats_server, CANARY) == []
    assert files_with(nats_server, OTHER)


async def test_s16_erasing_again_finds_nothing_and_a_conversation_alone_leaves_the_others(new_bus):
    admin, memory = await new_bus(), await new_bus("memory")
    for conversation in ("c1", "c2"):
        await admin.store(conversation_event("ana", conversation), CANARY, type="x")
    assert await memory.erase(trace_of("ana", "c1")) == 1
    assert await memory.erase(trace_of("ana", "c1")) == 0
    assert await memory.erase(traces_of("ana")[0]) == 1


async def test_s16_a_worker_that_writes_after_the_erasure_is_fenced_out(new_bus):
    admin, memory = await new_bus(), await new_bus("memory")
    log = token_log("ana", "c1", "g1")
    last = await admin.store(log, CANARY, type="llm.token", ttl=3600, expect=0)
    await memory.erase(traces_of("ana")[0])
    with pytest.raises(Fenced):
        await admin.store(log, CANARY, type="llm.token", ttl=3600, expect=last.sequence)
