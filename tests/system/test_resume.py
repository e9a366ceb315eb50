"""Coming back: any number of times, on any connection, each stored event after the cursor once and in order."""

import asyncio
import random

from support.fold import Fold

TERMINAL = {"message.completed", "message.failed", "message.cancelled"}


async def read_some(client, path, after, fold, count):
    """Takes up to `count` events of one connection, then hangs up without a word. Answers the cursor and whether it ended."""
    stream = client.once(path, after)
    try:
        async for event in stream:
            fold.apply(event)
            after = event.id or after
            if event.event in TERMINAL:
                return after, True
            count -= 1
            if count <= 0:
                break
    finally:
        await stream.aclose()
    return after, False


async def stubborn(client, accepted, dice):
    """A reader whose connection is cut again and again. Answers its fold and how often it was cut."""
    fold, after, cuts = Fold(), None, 0
    async with asyncio.timeout(60):
        while True:
            after, ended = await read_some(client, accepted["streamUrl"], after, fold, dice.randint(1, 6))
            if ended:
                return fold, cuts
            cuts += 1


async def test_r_b_a_thousand_random_disconnects_cost_nothing(system):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    async with system.client() as client:
        cuts = 0
        while cuts < 1000:
            accepted = [await client.send("count to 150") for _ in range(6)]
            readers = [stubborn(client, one, random.Random(seed + n)) for n, one in enumerate(accepted)]
            for one, (fold, cut) in zip(accepted, await asyncio.gather(*readers), strict=True):
                cuts += cut
                stored = (await client.messages(one["conversationId"]))[-1]
                assert fold.texts[one["answerId"]] == stored["text"]
                assert stored["text"].endswith("150") or "150" in stored["text"]


async def test_r_a_a_reader_that_comes_before_the_first_token_and_one_after_the_end_see_the_same(system):
    async with system.client() as client:
        accepted = await client.send("count to 50")
        early = await client.answer(accepted)
        late = await client.answer(accepted)
        assert late.ids == early.ids
        assert late.texts == early.texts


async def test_r_d_the_next_answer_after_everybody_left_is_whole(system):
    async with system.client() as client:
        first = await client.send("count to 10")
        await client.answer(first)
        second = await client.send("count to 20", conversationId=first["conversationId"])
        fold = await client.answer(second)
        assert fold.stored[second["answerId"]]["text"] == fold.texts[second["answerId"]]
        assert first["answerId"] not in fold.ends, "the cursor of acceptance is after the first answer"


async def test_f18_a_cursor_works_on_the_user_stream_and_on_another_gateway(system):
    async with system.client() as client:
        accepted = await client.send("count to 30")
        fold = await client.answer(accepted)
        middle = fold.ids[len(fold.ids) // 2]
        for _ in range(6):
            rest = []
            async for event in client.once("/api/v1/stream", middle):
                rest.append(event.id)
                if event.event in TERMINAL:
                    break
            assert [i for i in rest if i in set(fold.ids)] == fold.ids[len(fold.ids) // 2 + 1 :]


async def test_f18_a_forged_cursor_is_refused_and_an_old_one_is_reset(system):
    async with system.client() as client:
        accepted = await client.send("count to 5")
        path = f"/api/v1/stream/{accepted['conversationId']}"
        for forged in ("x", "-1", "a-b", "1-2-3", "zzzz-99999999999999999999999999", "../1-1"):
            response = await client.http.get(path, headers={"last-event-id": forged})
            assert response.status_code == 400, forged
            assert response.json()["error"]["code"] == "bad_cursor"
        events = [event async for event in client.once(path, "0000-1")]
        assert [event.event for event in events] == ["reset"]


async def test_s4_somebody_elses_stream_does_not_exist(system):
    async with system.client("ana") as ana, system.client("bob") as bob:
        accepted = await ana.send("count to 5")
        response = await bob.http.get(f"/api/v1/stream/{accepted['conversationId']}")
        assert (response.status_code, response.json()["error"]["code"]) == (404, "unknown_conversation")


async def test_until_ends_the_stream_with_done(system):
    async with system.client() as client:
        accepted = await client.send("count to 20")
        for until in (accepted["messageId"], accepted["answerId"]):
            events = [event async for event in client.once(f"{accepted['streamUrl']}&until={until}")]
            assert events[-1].event == "done"
            assert events[-2].event == "message.completed"


async def test_f19_the_same_key_again_gets_the_same_answer_and_a_stream_that_misses_nothing(system):
    async with system.client() as client:
        await client.answer(await client.send("hello"))
        key = f"once-{random.getrandbits(64):x}"
        first = await client.send("count to 3", key=key)
        fold = await client.answer(first)
        again = await client.send("count to 3", key=key)
        assert again == first
        assert (await client.answer(again)).ids == fold.ids
