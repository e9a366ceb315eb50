"""Making the streams so: once, twice, with another budget, too early, and where it can't be done."""

import asyncio
import json
import os
import sys
from typing import Any

import pytest

from shared.contract import subjects
from shared.contract.streams import CONSUMERS, MIB, STREAMS, stream_of
from shared.contract.subjects import alarm, conversation_event, dead, job, journal, schedule, tick, timer, token_log
from shared.provision import GIB, ProvisionFailed, ProvisionSettings, default_budget, provision, stream_config

BUDGET = 64 * MIB


async def api(client, verb: str, question: Any = None) -> dict[str, Any]:
    reply = await client.request(f"$JS.API.{verb}", json.dumps(question or {}).encode(), timeout=5)
    return json.loads(reply.data)


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
async def test_every_stream_is_as_the_contract_says(nats_server, new_client, stream):
    made = (await api(await new_client(), f"STREAM.INFO.{stream.name}"))["config"]
    wanted = stream_config(stream, nats_server.config.max_file_store, 1)
    assert {key: made.get(key) for key in wanted if wanted[key]} == {key: value for key, value in wanted.items() if value}


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer.name)
async def test_every_consumer_is_as_the_contract_says(new_client, consumer):
    made = (await api(await new_client(), f"CONSUMER.INFO.{consumer.stream}.{consumer.name}"))["config"]
    assert (made["filter_subject"], made["ack_wait"]) == (consumer.filter, consumer.ack_wait * 1e9)
    assert (made["ack_policy"], made["max_deliver"]) == ("explicit", -1)


async def test_again_it_changes_nothing_and_keeps_what_is_stored(bus, nats_server):
    subject = conversation_event("ana", "c_1")
    stored = await bus.store(subject, b"x")
    for _ in range(2):
        await provision(nats_server.url("admin"), ProvisionSettings(budget_bytes=nats_server.config.max_file_store))
    assert await bus.last(subject) == (stored.sequence, b"x")


async def test_another_budget_changes_the_sizes(nats_server, new_client):
    await provision(nats_server.url("admin"), ProvisionSettings(budget_bytes=BUDGET))
    jobs = (await api(await new_client(), "STREAM.INFO.JOBS"))["config"]
    assert jobs["max_bytes"] == int(0.1 * BUDGET)


async def test_F42_what_somebody_deleted_or_changed_is_made_so_again(nats_server, new_client):
    client = await new_client()
    await api(client, "STREAM.DELETE.FEED-03")
    config = (await api(client, "STREAM.INFO.DEAD"))["config"]
    await api(client, "STREAM.UPDATE.DEAD", config | {"max_age": 0})
    await provision(nats_server.url("admin"), ProvisionSettings(budget_bytes=nats_server.config.max_file_store))
    assert (await api(client, "STREAM.INFO.FEED-03"))["config"]["republish"]["dest"] == "live.03.>"
    assert (await api(client, "STREAM.INFO.DEAD"))["config"]["max_age"] > 0


async def test_F12_it_waits_for_a_server_that_comes_up_late(new_nats_server, new_client):
    server = await new_nats_server(provisioned=False)
    await server.kill()
    making = asyncio.ensure_future(provision(server.url("admin"), ProvisionSettings(budget_bytes=BUDGET)))
    await asyncio.sleep(0.3)
    await server.start()
    await making


async def test_streams_that_do_not_fit_are_refused_in_one_sentence(new_nats_server):
    server = await new_nats_server(budget=BUDGET, provisioned=False)
    with pytest.raises(ProvisionFailed, match=r"^JetStream refused .*\.$"):
        await provision(server.url("admin"), ProvisionSettings(budget_bytes=100 * BUDGET))


async def test_S6_whoever_is_not_the_administrator_is_refused_in_one_sentence(nats_server):
    with pytest.raises(ProvisionFailed):
        await provision(nats_server.url("memory"), ProvisionSettings(budget_bytes=BUDGET, timeout=1))


async def run(url: str, **environment: str) -> tuple[int | None, bytes]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.provision", env=os.environ | {"NATS_URL": url} | environment, stderr=-1
    )
    _, said = await process.communicate()
    return process.returncode, said


async def test_as_a_command_it_is_silent_when_all_is_well(nats_server):
    assert await run(nats_server.url("admin"), PROVISION_BUDGET_BYTES=str(BUDGET)) == (0, b"")


async def test_as_a_command_it_says_one_sentence_without_the_password(nats_server):
    wrong = nats_server.url("admin").replace("admin:", "admin:s3cret")
    code, said = await run(wrong, PROVISION_TIMEOUT="0.5")
    assert code == 1
    assert said.decode().startswith("NATS can't be reached: ")
    assert said.count(b"\n") == 1
    assert b"s3cret" not in said


def test_the_default_budget_is_half_of_what_is_free_and_no_more_than_16_gib(tmp_path):
    assert 0 < default_budget(tmp_path) <= 16 * GIB


def test_the_streams_share_the_budget_without_exceeding_it():
    assert sum(stream.share for stream in STREAMS) <= 1


@pytest.mark.parametrize(
    "subject",
    [
        *(conversation_event("ana", "c"), token_log("ä b", "c", "g"), job("generate", "ana"), dead("generate", "ana")),
        *(one("ana", "w x") for one in (journal, subjects.run, timer, schedule, tick, alarm)),
    ],
)
def test_the_stream_of_a_subject_captures_it(subject):
    (captures,) = [stream for stream in STREAMS if any(_matches(filter_, subject) for filter_ in stream.subjects)]
    assert stream_of(subject) == captures.name


def _matches(filter_: str, subject: str) -> bool:
    return filter_.endswith(">") and subject.startswith(filter_[:-1])
