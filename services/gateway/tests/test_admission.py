"""Who may have how much: S13, S22."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from reading import events

from gateway.admission import MAX_BUCKETS, Buckets
from shared.errors import TooMany


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(buckets: Buckets, user: str, count: int) -> int:
    """How many of so many were allowed."""
    allowed = 0
    for _ in range(count):
        try:
            buckets.take(user)
        except TooMany:
            continue
        allowed += 1
    return allowed


def test_s13_a_bucket_gives_its_burst_and_then_its_rate():
    clock = Clock()
    buckets = Buckets(60, 10, clock)
    assert taken(buckets, "ana", 100) == 10
    assert taken(buckets, "bob", 100) == 10, "each user has their own"
    clock.now = 5
    assert taken(buckets, "ana", 100) == 5
    clock.now = 1000
    assert taken(buckets, "ana", 100) == 10


def test_s13_who_has_to_wait_is_told_how_long():
    clock = Clock()
    buckets = Buckets(6, 1, clock)
    buckets.take("ana")
    clock.now = 4
    with pytest.raises(TooMany) as caught:
        buckets.take("ana")
    assert caught.value.retry_after == pytest.approx(6)
    clock.now += caught.value.retry_after
    buckets.take("ana")


def test_buckets_of_many_users_stay_bounded():
    buckets = Buckets(60, 1, Clock())
    for number in range(MAX_BUCKETS + 10):
        buckets.take(f"user {number}")
    assert len(buckets._buckets) == MAX_BUCKETS


async def test_s13_messages_beyond_the_rate_are_refused_on_every_way_in(run_gateway):
    gateway = await run_gateway(rate_burst=2, rate_per_minute=1)
    ana, bob = await gateway.client("ana"), await gateway.client("bob")
    for _ in range(2):
        assert (await ana.post("/api/v1/message", json={"text": "a"})).status_code == 202
    for path, body in (
        ("/api/v1/message", {"text": "a"}),
        ("/api/chat", {"message": "a"}),
        ("/api/chat/stream", {"message": "a"}),
        ("/sendMessage", {"text": "a"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "a"}]}),
        ("/api/v1/conversations/c_1/regenerate", {"messageId": "m_1"}),
    ):
        response = await ana.post(path, json=body)
        assert response.status_code == 429, path
        assert 1 <= int(response.headers["retry-after"]) <= 60
    assert (await bob.post("/api/v1/message", json={"text": "a"})).status_code == 202
    assert len(gateway.memory.sent) == 3


async def test_the_rate_can_be_lifted(run_gateway):
    gateway = await run_gateway(rate_burst=1, rate_per_minute=0)
    ana = await gateway.client()
    answers = await asyncio.gather(*(ana.post("/api/v1/message", json={"text": "a"}) for _ in range(30)))
    assert {response.status_code for response in answers} == {202}


async def test_s22_a_user_has_so_many_streams_and_gets_one_back_when_it_is_closed(run_gateway):
    gateway = await run_gateway(streams_per_user=2)
    ana, bob = await gateway.client("ana"), await gateway.client("bob")
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        for stack in (first, second):
            response = await stack.enter_async_context(ana.stream("GET", "/api/v1/stream"))
            assert response.status_code == 200
        refused = await ana.get("/api/v1/stream")
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_streams")
        assert refused.headers["retry-after"]
        async with bob.stream("GET", "/api/v1/stream") as response:
            assert response.status_code == 200
        await first.aclose()
        accepted = (await ana.post("/api/v1/message", json={"text": "a"})).json()
        async with asyncio.timeout(10):
            while (await ana.head("/healthz")) and len(gateway.memory.presence) == 0:
                await asyncio.sleep(0.05)
        assert (await events(ana, accepted["streamUrl"], last="message.completed"))[-1].name == "message.completed"


async def test_s22_a_process_has_so_many_streams(run_gateway):
    gateway = await run_gateway(streams=1)
    ana, bob = await gateway.client("ana"), await gateway.client("bob")
    async with ana.stream("GET", "/api/v1/stream"):
        refused = await bob.get("/api/v1/stream")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
        assert refused.headers["retry-after"]
        assert (await bob.get("/healthz")).status_code == 200


async def test_a_body_that_never_comes_is_given_up(run_gateway):
    gateway = await run_gateway(body_seconds=0.2)
    ana = await gateway.client()

    async def trickle():
        yield b'{"text": "'
        await asyncio.sleep(30)

    response = await ana.post("/api/v1/message", content=trickle(), headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["error"]["code"]) == (408, "request_timeout")
