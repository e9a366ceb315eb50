"""Several devices at once: nothing twice, nothing lost, one answer at a time, in the order of acceptance."""

import asyncio
import random
from contextlib import AsyncExitStack


async def follow_until_quiet(client, conversation, after, ends):
    """Every event of the conversation until `ends` answers have ended."""
    events, left = [], ends
    async with asyncio.timeout(60):
        async for event in client.follow(f"/api/v1/stream/{conversation}", after):
            events.append(event)
            left -= event.event in {"message.completed", "message.failed", "message.cancelled"}
            if left == 0:
                return events
    raise AssertionError("unreachable")


def assert_one_at_a_time(events):
    running_now = None
    for event in events:
        if event.event == "generation.started":
            assert running_now is None, "two answers at once"
            running_now = event.data["generationId"]
        elif event.event == "message.completed":
            assert running_now == event.data["generationId"]
            running_now = None


async def one_round(clients, conversation, after, dice):
    shared_key = f"shared-{dice.getrandbits(64):x}"
    keys = [shared_key, shared_key, None, None]
    dice.shuffle(keys)
    posts = [
        client.send(f"/echo {key or number}", key=key, conversationId=conversation)
        for number, (client, key) in enumerate(zip(clients, keys, strict=True))
    ]
    accepted = await asyncio.gather(*posts)
    same = {one["messageId"] for one, key in zip(accepted, keys, strict=True) if key}
    assert len(same) == 1, "the same key gives the same message"
    assert len({one["messageId"] for one in accepted}) == 3
    events = await follow_until_quiet(clients[0], conversation, after, 3)
    assert_one_at_a_time(events)
    created = [e.data["message"] for e in events if e.event == "message.created"]
    users = [m["id"] for m in created if m["role"] == "user"]
    assert len(users) == len(set(users)) == 3
    answers = [m["id"] for m in created if m["role"] == "assistant"]
    assert [e.data["messageId"] for e in events if e.event == "message.completed"] == answers, (
        "answered in the order of acceptance"
    )
    return events[-1].id


async def test_f19_f20_two_hundred_rounds_of_four_clients_posting_at_once(system):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(system.client()) for _ in range(4)]
        first = await clients[0].send("hello")
        after = (await clients[0].answer(first)).ids[-1]
        for _ in range(200):
            after = await one_round(clients, first["conversationId"], after, dice)
        state = await clients[0].call("GET", "/api/v1/state", params={"limit": 500})
        assert len({m["id"] for m in state["messages"]}) == len(state["messages"])


async def test_n02_stop_from_another_device_ends_the_answer_once(system):
    async with system.client() as one, system.client() as other:
        accepted = await one.send("count to 2000")
        following = asyncio.create_task(one.answer(accepted))
        async for event in other.follow(accepted["streamUrl"]):
            if event.event == "llm.token":
                break
        for _ in range(3):
            await other.call("POST", f"/api/v1/conversations/{accepted['conversationId']}/stop", json={})
        fold = await following
        assert fold.ends == {accepted["answerId"]: "message.cancelled"}
        assert fold.texts[accepted["answerId"]].startswith("1, ")


async def test_n03_a_stale_tab_gets_a_409_with_what_it_missed(system):
    async with system.client() as one, system.client() as other:
        first = await one.send("hello")
        await one.answer(first)
        second = await other.send("/echo second", conversationId=first["conversationId"], lastSeen=first["answerId"])
        await other.answer(second)
        body = {"text": "/echo third", "conversationId": first["conversationId"], "lastSeen": first["answerId"]}
        response = await one.http.post("/api/v1/message", json=body)
        assert response.status_code == 409
        error = response.json()["error"]
        assert error["code"] == "stale"
        assert second["messageId"] in [m["id"] for m in error["messages"]]
