"""Being told to stop: streams say so, processes go, nothing is lost."""

import asyncio

from support.system import running

STREAMS = 50


async def test_f31_sigterm_with_fifty_open_streams_loses_no_generation(tmp_path):
    pace = {"INFERENCE_DEMO_TOKENS_PER_SECOND": "20", "GATEWAY_STREAMS_PER_USER": "100"}
    with running(tmp_path, **pace) as system:
        async with system.client() as client:
            accepted = await client.send("count to 400")
            opened = [asyncio.Event() for _ in range(STREAMS)]
            lasts = asyncio.gather(*(last_event(client, accepted["streamUrl"], each) for each in opened))
            for each in opened:
                await each.wait()
            assert await asyncio.to_thread(system.stop) == [], "everything is gone in time"
            assert await lasts == ["reconnect"] * STREAMS
        assert not list((system.data / "run").glob("*-*.pid"))
    with running(tmp_path, INFERENCE_DEMO_TOKENS_PER_SECOND="0") as again:
        async with again.client() as client:
            fold = await client.answer(accepted)
            assert fold.ends == {accepted["answerId"]: "message.completed"}


async def last_event(client, path, opened):
    last = ""
    async for event in client.once(path):
        opened.set()
        last = event.event
    return last
