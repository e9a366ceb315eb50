"""Several replicas of memory on one PostgreSQL: one order of changes, of events, and of leases, whoever dies."""

import asyncio
import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from memory.adapters.postgres_clock import ServerClock
from memory.adapters.postgres_pen import PostgresPen
from memory.adapters.remembered_post import RememberedPost
from memory.adapters.store import open_store
from memory.app import application
from memory.clock import Clock
from memory.records.prepared import row
from shared.contract.events import EVENTS
from shared.contract.memory import CHECK_HEALTH, CREATE_CONVERSATION, CheckHealth, CreateConversation
from shared.contract.subjects import state_event
from shared.errors import Busy, Unavailable

pytestmark = pytest.mark.postgresql


def create(bus, key, user="ana"):
    return bus.ask(CREATE_CONVERSATION, CreateConversation(user=user, title=key, client_id=key), timeout=2.0)


async def surely(bus, key):
    """The same request until it is answered, as a client does."""
    while True:
        try:
            return await create(bus, key)
        except Busy:
            await asyncio.sleep(0.02)


async def versions(bus, user="ana"):
    """As they lie on the feed."""
    return [EVENTS[name.decode()].decode(data).version for _, name, data in await bus.read(state_event(user, "version"))]


async def told(bus, count):
    """The versions, once there are so many of them."""
    async with asyncio.timeout(30):
        while len(found := await versions(bus)) < count:
            await asyncio.sleep(0.05)
    return found


async def admin(url, sql):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


# --- the order of events ----------------------------------------------------------------------------------------------


async def test_three_replicas_tell_the_versions_of_a_user_in_order_without_a_gap(settings, new_bus, bus):
    async with AsyncExitStack() as replicas:
        for _ in range(3):
            await replicas.enter_async_context(application(settings, await new_bus("memory")))
        clients = [await new_bus("gateway") for _ in range(8)]

        async def one(number, client):
            return [await surely(client, f"{number}-{turn}") for turn in range(15)]

        made = await asyncio.gather(*(one(number, client) for number, client in enumerate(clients)))
        assert len({conversation.id for some in made for conversation in some}) == 120
        assert await told(bus, 120) == list(range(1, 121))


@asynccontextmanager
async def process(nats_server, settings):
    """A replica as a process of its own; yields what kills it."""
    environment = os.environ | {
        "NATS_URL": nats_server.url("memory"),
        "MEMORY_DATABASE_URL": settings.database_url,
        "MEMORY_SWEEP_SECONDS": "0.5",
        "MEMORY_WRITERS": "2",
    }
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", "memory", env=environment)
    try:
        yield running.kill
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


@pytest.mark.slow
async def test_f6_replicas_that_are_killed_one_after_the_other_leave_no_gap_and_no_double(nats_server, settings, new_bus, bus):
    clients = [await new_bus("gateway") for _ in range(8)]
    enough, done = asyncio.Event(), []

    async def one(number, client):
        for turn in range(10_000):
            done.append((await surely(client, f"{number}-{turn}")).id)
            if enough.is_set():
                return

    async with AsyncExitStack() as replicas:
        await replicas.enter_async_context(process(nats_server, settings))
        working = asyncio.gather(*(one(number, client) for number, client in enumerate(clients)))
        for _ in range(3):
            async with process(nats_server, settings) as kill:
                before = len(done)
                while len(done) < before + 40:
                    await asyncio.sleep(0.01)
                kill()
        enough.set()
        await working
        assert len(set(done)) == len(done)
        assert await told(bus, len(done)) == list(range(1, len(done) + 1))


async def test_what_another_replica_could_not_send_comes_before_what_is_sent_here(new_desk):
    away = RememberedPost()
    away.fault = Unavailable()
    async with new_desk(away) as cut_off, new_desk() as desk:
        first = await cut_off.send("one")
        await desk.send("two", conversation_id=first.conversation_id)
        await desk.until_sent()
        told = [event.version for event in desk.post.events()]
        assert told == [1] * 4 + [2] * 4
        assert desk.post.orders() == [first.generation_id]


async def test_what_a_dead_replica_left_is_sent_by_the_sweep_of_another_once(new_desk):
    away = RememberedPost()
    away.fault = Unavailable()
    async with new_desk() as desk:
        async with new_desk(away) as dying:
            await dying.send("one")
        for _ in range(3):
            await desk.sweep()
        await desk.until_sent()
        assert [event.version for event in desk.post.events()] == [1] * 4
        async with asyncio.timeout(20):
            while await desk.rows("SELECT count(*) FROM outbox") != [(0,)]:
                await asyncio.sleep(0.05)


async def test_a_commit_of_which_nobody_knows_is_unavailable_and_its_events_are_sent_all_the_same(new_desk, monkeypatch):
    committed = PostgresPen.commit

    def cut(pen):
        committed(pen)
        monkeypatch.undo()
        raise Unavailable

    async with new_desk() as desk:
        monkeypatch.setattr(PostgresPen, "commit", cut)
        with pytest.raises(Unavailable):
            await desk.send("one", client_message_id="k")
        again = await desk.send("one", client_message_id="k")
        assert again.repeated
        assert desk.post.events() == []
        await desk.send("two", conversation_id=again.conversation_id)
        await desk.until_sent()
        assert [event.version for event in desk.post.events()] == [1] * 4 + [2] * 4


# --- one writer for each user -----------------------------------------------------------------------------------------


async def test_a_user_is_changed_by_one_at_a_time_at_every_replica(settings):
    def slowly_add(connection):
        (title,) = connection.exec_driver_sql("SELECT audit_count FROM users WHERE id = 'ana'").one()
        connection.exec_driver_sql("SELECT pg_sleep(0.001)")
        connection.exec_driver_sql(f"UPDATE users SET audit_count = {title + 1} WHERE id = 'ana'")

    async with open_store(settings, "s", 1) as one, open_store(settings, "s", 1) as two:
        await asyncio.gather(*(store.write(slowly_add, user="ana") for store in (one, two) for _ in range(40)))
        assert await one.read(lambda c: c.exec_driver_sql("SELECT audit_count FROM users").scalar()) == 80


async def test_a_write_that_loses_a_deadlock_is_tried_again(settings):
    tries = []

    def lock(user):
        return f"SELECT 1 FROM users WHERE id = '{user}' FOR UPDATE"

    def both(connection):
        tries.append(1)
        connection.exec_driver_sql(lock("b"))

    async with open_store(settings, "s", 1) as store:
        for user in ("a", "b"):
            await store.write(lambda _: None, user=user)
        other = await asyncpg.connect(settings.database_url, server_settings={"deadlock_timeout": "60s"})
        async with other.transaction():
            await other.execute(lock("b"))
            writing = asyncio.ensure_future(store.write(both, user="a"))
            while not tries:
                await asyncio.sleep(0.01)
            await other.execute(lock("a"))
        await writing
        await other.close()
    assert len(tries) >= 2


async def test_of_writes_that_share_a_commit_one_that_fails_undoes_only_itself(settings):
    def put(user):
        return lambda c: c.exec_driver_sql(f"UPDATE users SET audit_count = 1 WHERE id = '{user}'")

    def fail(connection):
        put("ana")(connection)
        raise LookupError

    limits = settings.model_copy(update={"writers": 1})
    async with open_store(limits, "s", 1) as store:
        works = [(fail, "ana"), (put("bob"), "bob"), (fail, "cleo"), (put("dan"), "dan")]
        done = await asyncio.gather(*(store.write(work, user=user) for work, user in works), return_exceptions=True)
        assert [isinstance(each, LookupError) for each in done] == [True, False, True, False]
        rows = await store.read(lambda c: c.exec_driver_sql("SELECT id, audit_count FROM users ORDER BY id").all())
        assert [tuple(row) for row in rows] == [("bob", 1), ("dan", 1)]


async def test_f40_writes_and_reads_that_are_cancelled_at_any_moment_are_whole_or_not_at_all(settings):
    def both(number):
        def work(connection):
            for part in "ab":
                connection.exec_driver_sql(f"INSERT INTO users (id, version) VALUES ('{number:03}{part}', 1)")

        return work

    def names(connection):
        return [row[0] for row in connection.exec_driver_sql("SELECT id FROM users ORDER BY id")]

    async with open_store(settings, "s", 1) as store:
        for number in range(60):
            some = [asyncio.ensure_future(store.write(both(number))), asyncio.ensure_future(store.read(names))]
            await asyncio.sleep(number % 10 / 1000)
            for task in some:
                task.cancel()
            await asyncio.wait(some)
        await store.write(lambda _: None)
        found = await store.read(names)
    assert [name[:3] for name in found[::2]] == [name[:3] for name in found[1::2]]


# --- the server goes away ---------------------------------------------------------------------------------------------

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def test_connections_that_were_cut_off_while_idle_are_replaced_without_a_word(desk, settings):
    first = await desk.send("one")
    await desk.until_sent()
    await admin(settings.database_url, CUT)
    await desk.send("two", conversation_id=first.conversation_id)
    assert await desk.rows("SELECT count(*) FROM messages") == [(4,)]
    await desk.ask(CHECK_HEALTH, CheckHealth())


async def test_a_database_that_can_not_be_reached_is_unavailable_and_then_works_again(desk, settings, postgres_server):
    name = settings.database_url.rpartition("/")[2]
    await desk.send("one")
    await desk.until_sent()
    await postgres_server.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    await postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await desk.send("two")
        with pytest.raises(Unavailable):
            await desk.ask(CHECK_HEALTH, CheckHealth())
        with pytest.raises(Unavailable):
            await desk.rows("SELECT 1")
    await postgres_server.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
    await desk.ask(CHECK_HEALTH, CheckHealth())
    await desk.send("two")
    assert desk.store.fault is None


async def test_f39_a_user_who_is_locked_for_long_is_unavailable_and_others_are_not(new_desk, settings):
    async with new_desk(busy_timeout=0.3) as desk:
        await desk.send(user="ana")
        other = await asyncpg.connect(settings.database_url)
        async with other.transaction():
            await other.execute("SELECT 1 FROM users WHERE id = 'ana' FOR UPDATE")
            with pytest.raises(Unavailable):
                await desk.send(user="ana")
            await desk.send(user="bob")
        await other.close()
        await desk.send(user="ana")


# --- leases and sweeps ------------------------------------------------------------------------------------------------


async def test_f33_all_replicas_have_the_same_ticks_and_they_go_on_when_the_servers_clock_jumps(settings, monkeypatch):
    jump = [0.0]
    monkeypatch.setattr("memory.adapters.postgres_clock.row", lambda *asked: jumped(jump[0], *asked))
    one, two, late = ServerClock(), ServerClock(), ServerClock()
    async with open_store(settings, "s", 1) as store:
        for clock in (one, two):
            await store.write(clock.measure)
        assert abs(one.ticks() - two.ticks()) < 0.5
        for jump[0] in (3600.0, -7200.0):
            before = one.ticks()
            for clock in (one, two, one, two):
                await store.write(clock.measure)
            assert 0 <= one.ticks() - before < 60
            assert abs(one.ticks() - two.ticks()) < 0.5
        await store.write(late.measure)
        assert abs(one.ticks() - late.ticks()) < 0.5


def jumped(seconds, *asked):
    found = row(*asked)
    return found._replace(now=found.now + seconds)


async def test_f33_a_replica_takes_its_ticks_from_the_server(settings):
    async with open_store(settings, "s", 1) as store:
        ticks = store.clock(Clock()).ticks()
        (now,) = (await admin(settings.database_url, "SELECT extract(epoch FROM clock_timestamp())::float8 AS now"))[0]
        assert abs(now - ticks) < 20


async def test_a_replica_that_starts_later_takes_no_lease_away_and_extends_none(new_desk):
    async with new_desk() as desk:
        accepted = await desk.send()
        await desk.claim(accepted.generation_id)
        before = await desk.rows("SELECT lease_until, ordered_at FROM generations")
        desk.clock.pass_by(3)
        async with new_desk(clock=desk.clock):
            assert await desk.rows("SELECT lease_until, ordered_at FROM generations") == before


async def test_a_replica_that_starts_alone_gives_everybody_a_whole_lease(new_desk):
    async with new_desk() as desk:
        accepted = await desk.send()
        await desk.claim(accepted.generation_id)
        clock = desk.clock
    clock.pass_by(100)
    async with new_desk(clock=clock) as desk:
        assert (await desk.claim(accepted.generation_id, "w2")).decision == "wait"


async def its_turn(store):
    async with store.turn() as mine:
        return mine


async def test_one_replica_sweeps_at_a_time(new_desk):
    async with new_desk() as one, new_desk() as two:
        async with one.store.turn() as first, two.store.turn() as second:
            assert (first, second) == (True, False)
        async with asyncio.timeout(30):
            while not await its_turn(two.store):  # the server notices a moment later that the first one has hung up
                await asyncio.sleep(0.02)
