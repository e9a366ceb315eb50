"""A turn over HTTP: sent, followed, stopped, asked again."""

from reading import events


async def test_a_message_is_accepted_and_its_stream_misses_nothing(ana):
    accepted = (await ana.post("/api/v1/message", json={"text": "count to 3"})).raise_for_status().json()
    assert accepted["status"] == "accepted"
    heard = await events(ana, accepted["streamUrl"] + "&until=" + accepted["answerId"])
    names = [event.name for event in heard]
    assert names == ["message.created"] * 2 + ["generation.started"] + ["llm.token"] * 3 + ["message.completed", "done"]
    assert "".join(event.data["token"] for event in heard if event.name == "llm.token") == "1 2 3 "
