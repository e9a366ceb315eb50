"""S6: the least each NATS user needs, both ways, on the server with the configuration that `up` writes."""

import asyncio

import nats
import pytest
from nats.errors import Error

from colloquy.nats_server import NatsConfig, new_passwords, render
from shared.contract.permissions import PERMISSIONS, USERS, User, inbox_prefix

SERVICES: tuple[User, ...] = ("gateway", "memory", "inference", "transcribe", "workflow")
READERS = {"gateway", "inference", "analytics"}

MAY_PUBLISH: dict[str, set[str]] = {
    "rpc.memory.send_message": {"gateway"},
    "rpc.memory.get_state": {"gateway", "inference", "workflow"},
    "rpc.memory.claim_generation": {"inference"},
    "rpc.memory.finish_generation": {"inference"},
    "rpc.memory.abandon_generation": {"inference"},
    "rpc.memory.keep_round": {"inference"},
    "rpc.memory.carry_out": {"inference"},
    "rpc.memory.decide_approval": {"gateway"},
    "rpc.memory.keep_rates": {"inference"},
    "rpc.inference.list_models": {"gateway"},
    "rpc.inference.call_tool": {"workflow"},
    "rpc.inference.other": set(),
    "feed.07.ana.conversation.c_1.event": {"memory"},
    "feed.07.ana.conversation.c_1.token.g_1": {"inference"},
    "feed.07.ana.state.messages.event": {"memory"},
    "live.07.ana.conversation.c_1.event": set(),
    "job.generate.ana": {"memory"},
    "job.transcribe.ana": {"memory"},
    "rpc.memory.create_transcript": {"gateway"},
    "rpc.memory.claim_transcript": {"transcribe"},
    "rpc.memory.finish_transcript": {"transcribe"},
    "rpc.transcribe.say": {"gateway"},
    "blob.tr_1.ana": {"gateway"},
    "audio.ana.tr_1": {"gateway"},
    "heard.ana.tr_1": {"transcribe"},
    "feed.07.ana.transcript.tr_1.event": {"memory", "transcribe"},
    "dead.transcribe.ana": {"transcribe"},
    "$JS.API.CONSUMER.MSG.NEXT.JOBS.transcribe": {"transcribe"},
    "$JS.API.DIRECT.GET.BLOBS": {"gateway", "memory", "transcribe"},
    "$JS.API.STREAM.MSG.DELETE.BLOBS": {"gateway", "memory", "transcribe"},
    "$JS.API.STREAM.PURGE.BLOBS": {"memory"},
    "rpc.workflow.create": {"gateway", "inference", "workflow"},
    "rpc.workflow.put_schedule": {"gateway", "workflow"},
    "rpc.workflow.find_flights": {"gateway", "inference"},
    "rpc.workflow.select_flight": {"gateway"},
    "rpc.memory.keep_trip": {"workflow"},
    "job.arrange.ana": {"memory"},
    "cargo.e_1.w_1.ana": {"workflow"},
    "feed.07.ana.workflow.w_1.event": {"workflow"},
    **{f"{first}.w_1.ana": {"workflow"} for first in ("journal", "run", "timer", "tick", "alarm", "schedule")},
    "control.workflow": {"workflow"},
    "dead.run.ana": {"workflow"},
    "$JS.API.CONSUMER.MSG.NEXT.RUNS.run": {"workflow"},
    "$JS.ACK.RUNS.tick.1.1.1.1.0": {"workflow"},
    "$JS.API.DIRECT.GET.JOURNAL": {"memory", "workflow"},
    "$JS.API.STREAM.PURGE.JOURNAL": {"memory"},
    "$JS.API.STREAM.MSG.DELETE.CARGO": {"memory", "workflow"},
    "dead.generate.ana": {"inference"},
    "control.stop.g_1": {"memory"},
    "$SRV.PING": set(),
    "$JS.API.DIRECT.GET.FEED-00": {*READERS, "memory"},
    "$JS.API.DIRECT.GET.FEED-15": {*READERS, "memory"},
    "$JS.API.DIRECT.GET.JOBS": {"memory"},
    "$JS.API.STREAM.INFO.FEED-07": {*READERS, "memory"},
    "$JS.API.STREAM.INFO.JOBS": {"memory"},
    "$JS.API.STREAM.MSG.GET.FEED-07": set(),
    "$JS.API.STREAM.CREATE.X": set(),
    "$JS.API.STREAM.UPDATE.FEED-07": set(),
    "$JS.API.STREAM.DELETE.FEED-07": set(),
    "$JS.API.STREAM.PURGE.FEED-07": {"memory"},
    "$JS.API.STREAM.SNAPSHOT.FEED-07": set(),
    "$JS.API.STREAM.RESTORE.FEED-07": set(),
    "$JS.API.STREAM.MSG.DELETE.FEED-07": {"memory"},
    "$JS.API.STREAM.NAMES": set(),
    "$JS.API.CONSUMER.CREATE.FEED-07": set(),
    "$JS.API.CONSUMER.CREATE.JOBS.x.job.>": set(),
    "$JS.API.CONSUMER.DURABLE.CREATE.JOBS.x": set(),
    "$JS.API.CONSUMER.DELETE.JOBS.generate": set(),
    "$JS.API.CONSUMER.MSG.NEXT.JOBS.generate": {"inference"},
    "$JS.API.CONSUMER.MSG.NEXT.JOBS.other": set(),
    "$JS.ACK.JOBS.generate.1.1.1.1.0": {"inference"},
    "$JS.ACK._.hash.JOBS.generate.1.1.1.1.0": {"inference"},
    "$JS.ACK.FEED-07.any.1.1.1.1.0": set(),
    "$SYS.REQ.SERVER.PING": set(),
    "_INBOX.anybody": set(),
    "_INBOX_gateway.a": {"gateway", "memory", "transcribe", "workflow"},
    "_INBOX_inference.a": {"inference", "memory", "workflow"},
    "_INBOX_transcribe.a": {"memory", "transcribe"},
    "_INBOX_memory.a": {"memory"},
    "_INBOX_admin.a": set(),
}

MAY_HEAR: dict[str, set[str]] = {
    "rpc.memory.send_message": {"memory"},
    "rpc.inference.list_models": {"inference"},
    "live.>": {"gateway", "analytics"},
    "live.*.*.*.*.event": {"gateway", "analytics"},
    "live.07.ana.conversation.c_1.>": {"gateway", "analytics"},
    "feed.>": set(),
    "job.>": set(),
    "run.>": set(),
    "journal.>": set(),
    "rpc.workflow.create": {"workflow"},
    "control.workflow": {"workflow"},
    "dead.>": set(),
    "control.stop.g_1": {"inference"},
    "rpc.transcribe.say": {"transcribe"},
    "audio.ana.tr_1": {"transcribe"},
    "heard.ana.tr_1": {"gateway"},
    "blob.>": set(),
    "$SRV.PING": set(SERVICES),
    "$SRV.INFO.memory": set(SERVICES),
    "$JS.>": set(),
    "$SYS.>": set(),
    ">": set(),
    "*.>": set(),
    "_INBOX.>": set(),
    "_INBOX_gateway.>": {"gateway"},
    "_INBOX_memory.>": {"memory"},
    "_INBOX_inference.a.*": {"inference"},
    "_INBOX_admin.>": set(),
}


@pytest.fixture
async def denied(new_client):
    """Which of these subjects the server denies this user."""

    async def ask(user: User, subjects: dict[str, set[str]], act: str) -> set[str]:
        errors: list[str] = []

        async def note(error: Exception) -> None:
            errors.append(str(error).lower())

        client = await new_client(user, error_cb=note)
        for subject in subjects:
            await getattr(client, act)(subject)
        await client.flush()
        await client.flush()  # nats-py's first ping may overtake what waits to be written
        return {subject for subject in subjects if any(f'"{subject.lower()}"' in error for error in errors)}

    return ask


@pytest.mark.parametrize("user", USERS)
async def test_S6_what_a_user_may_publish(denied, user):
    expected = {subject for subject, users in MAY_PUBLISH.items() if user not in users and user != "admin"}
    assert await denied(user, MAY_PUBLISH, "publish") == expected


@pytest.mark.parametrize("user", USERS)
async def test_S6_what_a_user_may_hear(denied, user):
    expected = {subject for subject, users in MAY_HEAR.items() if user not in users and user != "admin"}
    assert await denied(user, MAY_HEAR, "subscribe") == expected


async def test_S6_the_snooper_hears_nothing_of_a_neighbours_inbox(new_client):
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(message) -> None:
        heard.put_nowait(message.data)

    snooper, gateway = await new_client("workflow"), await new_client("gateway")
    await snooper.subscribe("_INBOX_gateway.>", cb=hear)
    await snooper.subscribe("_INBOX_workflow.own", cb=hear)
    await gateway.publish("_INBOX_gateway.a", b"secret")
    await gateway.flush()
    await snooper.publish("_INBOX_workflow.own", b"own")
    assert await heard.get() == b"own"
    assert heard.empty()


async def test_S6_nobody_connects_without_a_password_or_with_a_neighbours(nats_server):
    address, passwords = f"127.0.0.1:{nats_server.config.port}", nats_server.config.passwords
    for who in ("", "gateway@", "nobody:x@", f"gateway:{passwords['memory']}@"):
        with pytest.raises(Error, match="Authorization Violation"):
            await nats.connect(f"nats://{who}{address}", allow_reconnect=False)


def test_S6_nobody_but_the_administrator_has_wildcards_over_jetstream():
    for user in set(USERS) - {"admin"}:
        api = [subject for subject in PERMISSIONS[user].publish if subject.startswith("$JS.API")]
        assert not [subject for subject in api if ">" in subject or "*" in subject]
        assert ">" not in PERMISSIONS[user].publish + PERMISSIONS[user].subscribe


def test_every_user_has_its_own_inbox():
    assert len({inbox_prefix(user) for user in USERS}) == len(USERS)


def test_S6_the_configuration_opens_no_other_door(tmp_path):
    text = render(NatsConfig(tmp_path, new_passwords(), 1 << 30))
    for word in ("http", "websocket", "mqtt", "no_auth_user", "leafnodes", "system_account"):
        assert word not in text
