"""What `up` notices by looking, and what a listener and the doctor see."""

import json
import os
import socket
import sqlite3

import pytest

from colloquy import findings
from colloquy.bus_server import BusServer
from colloquy.data_folder import DataFolder
from colloquy.events import line_of
from colloquy.installation import Installation
from colloquy.keeper import Household
from colloquy.last_words import last_words
from colloquy.plan import planned
from colloquy.up import look_after
from inference.settings import InferenceSettings
from shared.contract.permissions import USERS
from shared.contract.streams import STREAMS
from shared.contract.subjects import conversation_event, live_filter, token_log
from shared.observer import observe


@pytest.fixture
def folder(tmp_path):
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    return folder


async def test_streams_that_are_gone_are_made_again(folder, new_nats_server):
    server = await new_nats_server(provisioned=False)
    nats = BusServer({user: server.url(user) for user in USERS}, budget=1 << 29)
    with socket.socket() as gateway:
        installation = Installation(planned(""), folder, os.environ, gateway, nats)
        async with observe(server.url("admin"), "admin") as observer:
            assert (await observer.check_streams()).missing == tuple(stream.name for stream in STREAMS)
            await look_after(installation, Household(folder, lambda _: None), observer)
            assert (await observer.check_streams()).missing == ()


async def test_a_listener_sees_facts_of_one_user_and_tokens_only_when_asked(nats_server, bus):
    async with (
        observe(nats_server.url("analytics"), "analytics") as observer,
        observer.tap(live_filter("ana")) as facts,
        observer.tap(live_filter(tokens=True)) as everything,
    ):
        await bus.store(token_log("ana", "c_1", "g_1"), b'{"token":"x"}', type="llm.token")
        await bus.store(conversation_event("bob", "c_2"), b"{}", type="message.created")
        await bus.store(conversation_event("ana", "c_1"), b'{"id":"e_1"}', type="message.completed")
        fact = await anext(facts)
        types = [(await anext(everything)).type for _ in range(3)]
    line = json.loads(line_of(fact))
    assert (line["user"], line["type"], line["data"]) == ("ana", "message.completed", {"id": "e_1"})
    assert types == ["llm.token", "message.created", "message.completed"]


def test_last_words_are_the_reason_of_the_last_line(folder):
    log = folder.log("memory-1")
    assert "it said nothing" in last_words(log)
    log.write_text('{"event":"service.started"}\n{"event":"service.failed","reason":"No cheese."}\n')
    assert last_words(log).startswith("No cheese.")
    log.write_text("Traceback …\nValueError: plain\n")
    assert last_words(log).startswith("ValueError: plain")


def test_the_doctor_finds_a_broken_database_and_a_taken_port(folder):
    assert not findings.database(folder).advice
    with sqlite3.connect(folder.database) as connection:
        connection.execute("CREATE TABLE t (x)")
    assert not findings.database(folder).advice
    folder.database.write_bytes(b"not a database at all" * 100)
    assert findings.database(folder).advice
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert findings.port(port, is_up=False).advice
    assert not findings.port(port, is_up=False).advice


async def test_the_doctor_finds_a_model_that_is_not_there():
    [none] = await findings.models(InferenceSettings(base_url="", model=""), {})
    assert not none.advice
    away = '[models.{}]\nbase_url = "http://127.0.0.1:1/v{}"\n'
    found = await findings.models(InferenceSettings(models=away.format("a", 1) + away.format("b", 1) + away.format("c", 2)), {})
    assert [bool(each.advice) for each in found] == [True, True], "each server once"
    [wrong] = await findings.models(InferenceSettings(models="[models.a]\n"), {})
    assert "models.a: base_url" in wrong.state


async def test_the_doctor_tells_of_a_postgresql_that_does_not_answer_and_not_its_password(unused_tcp_port):
    found = await findings.postgres(f"postgresql://u:canary@127.0.0.1:{unused_tcp_port}/d")
    assert found.advice
    assert "canary" not in repr(found)
    assert (await findings.postgres("postgresql://u:canary@h:port/d")).advice
