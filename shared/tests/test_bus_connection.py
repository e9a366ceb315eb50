"""The connection of a process: refused, lost, deaf, closed for good."""

import asyncio
import signal
import sys

import pytest
from nats.errors import Error as NatsError
from pydantic import SecretStr

from shared import connection
from shared.bus import Bus, connect
from shared.connection import LOST_FOR_GOOD
from shared.contract.memory import DELETE_CONVERSATION, DeleteConversation
from shared.contract.subjects import conversation_event
from shared.errors import Busy, Unavailable
from shared.observer import observe
from shared.settings import NatsSettings

EVENT = conversation_event("ana", "c_1")

PROCESS = """
import asyncio, sys
from pydantic import SecretStr
from shared.bus import connect
from shared.settings import NatsSettings

async def main():
    async with connect(NatsSettings(url=SecretStr(sys.argv[1])), "memory") as bus:
        print("connected", flush=True)
        if len(sys.argv) > 2:
            exec(sys.argv[2])
        await asyncio.Event().wait()

asyncio.run(main())
"""


def settings(url: str, patience: float = 1.0) -> NatsSettings:
    return NatsSettings(url=SecretStr(url), connect_timeout=patience)


async def process(url: str, action: str = "") -> asyncio.subprocess.Process:
    """A process with a bus, which does `action` once it is connected."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, url, *([action] if action else []), stdout=-1, stderr=-1
    )
    assert await started.stdout.readline() == b"connected\n"
    return started


@pytest.fixture
def quick_beats(monkeypatch):
    monkeypatch.setattr(connection, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(connection, "BEAT_PATIENCE_SECONDS", 0.2)


async def test_F43_a_refusal_is_what_is_said_though_the_server_then_hangs_up():
    refused = connection.Connection("memory")
    await refused._on_error(NatsError("nats: 'Authorization Violation'"))
    await refused._on_error(ConnectionResetError(104, "Connection reset by peer"))
    assert "Authorization" in refused.reason


async def test_F43_a_wrong_password_is_said_when_the_time_to_connect_is_over(nats_server):
    wrong = nats_server.url("memory").replace("memory:", "memory:x")
    with pytest.raises(Unavailable, match=r"can't be reached.*Authorization"):
        async with connect(settings(wrong), "memory"):
            pass


async def test_nobody_at_the_address_is_said_when_the_time_to_connect_is_over():
    with pytest.raises(Unavailable, match="can't be reached"):
        async with connect(settings("nats://127.0.0.1:1"), "memory"):
            pass


async def test_T29_a_server_that_accepts_and_says_nothing_is_not_waited_for_for_ever():
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable):
            async with connect(settings(f"nats://127.0.0.1:{port}", 0.5), "memory"):
                pass


@pytest.mark.parametrize("url", ["", "nats://", "http://[", "nonsense"])
async def test_an_address_that_is_none_is_unavailable(url):
    with pytest.raises(Unavailable):
        async with connect(settings(url, 0.3), "memory"):
            pass


async def test_a_server_that_comes_up_late_is_waited_for(nats_server):
    url = nats_server.url("memory")
    await nats_server.kill()

    async def later() -> None:
        await asyncio.sleep(0.3)
        await nats_server.start()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(later())
        async with connect(settings(url, 10), "memory") as bus:
            await bus.store(EVENT, b"x")


async def test_what_the_body_raises_comes_out_as_itself(nats_server):
    with pytest.raises(Busy):
        async with connect(settings(nats_server.url("memory")), "memory") as bus, bus.answer("memory", "1", []):
            raise Busy


async def test_F43_a_process_whose_user_is_gone_ends_loudly(nats_server):
    started = await process(nats_server.url("memory"))
    nats_server.config.passwords["memory"] = "another"
    await nats_server.restart()
    assert await asyncio.wait_for(started.wait(), 10) == LOST_FOR_GOOD
    assert b"nats.lost" in (await started.stdout.read())


async def test_T5_a_process_whose_connection_is_closed_for_good_ends(nats_server):
    started = await process(nats_server.url("memory"), 'bus.wire.send(b"NONSENSE\\r\\n")')
    assert await asyncio.wait_for(started.wait(), 10) == LOST_FOR_GOOD


async def test_F11_a_process_stays_while_nats_is_away_and_is_back_with_it(nats_server):
    started = await process(nats_server.url("memory"))
    await nats_server.kill()
    await asyncio.sleep(1)
    assert started.returncode is None
    await nats_server.start()
    started.send_signal(signal.SIGINT)
    await asyncio.wait_for(started.wait(), 10)


async def test_F10_a_server_that_hangs_is_left_and_found_again(bus, nats_server, new_bus, quick_beats):
    watched = await new_bus("memory")
    era = watched._connection.era
    nats_server.freeze()
    while watched.wire.live:
        await asyncio.sleep(0.05)
    nats_server.thaw()
    await watched.store(EVENT, b"x", timeout=20)
    assert watched._connection.era > era


async def test_T3_a_connection_that_has_gone_deaf_is_made_anew(new_bus, nats_server, quick_beats):
    deaf: Bus = await new_bus("memory")
    reading = deaf._connection.client._reading_task
    reading.cancel()  # what an unexpected exception in nats-py's read loop comes to
    assert deaf.wire.live
    await deaf.store(EVENT, b"x", timeout=20)
    assert deaf._connection.client._reading_task is not reading


async def test_closing_while_nats_is_away_takes_no_longer_than_it_may(nats_server):
    async with asyncio.timeout(connection.CLOSE_SECONDS + 3):
        async with connect(settings(nats_server.url("memory")), "memory") as bus:
            await nats_server.kill()
            with pytest.raises(Unavailable):
                await bus.ask(DELETE_CONVERSATION, DeleteConversation(user="a", conversation_id="c"), timeout=0.1)


async def test_closing_while_nats_is_frozen_takes_no_longer_than_it_may(nats_server):
    async with asyncio.timeout(connection.CLOSE_SECONDS + 3):
        async with connect(settings(nats_server.url("memory")), "memory"):
            nats_server.freeze()


async def test_S6_a_publish_that_is_not_allowed_is_logged(new_bus, capsys):
    gateway = await new_bus("gateway")
    with pytest.raises(Unavailable):
        await gateway.store(EVENT, b"x", timeout=0.3)
    assert "permissions violation" in capsys.readouterr().out.lower()


async def test_who_has_left_does_not_try_to_come_back_though_it_missed_that_it_was_cancelled(new_nats_server):
    """cpython #86296: nats-py's attempts to reconnect can lose their cancellation, and then nobody ends them."""
    server = await new_nats_server()
    ours = connection.Connection("memory")
    await ours.open(settings(server.url("memory")))
    async with observe(server.url("admin"), "admin") as observer:
        await server.kill()
    await ours.close()
    for client in (ours.client, observer._client):
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(10):
                await client._select_next_server()
