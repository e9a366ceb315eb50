"""A turn over HTTP: sent, followed, stopped, asked again."""

import asyncio

import httpx
import pytest
from reading import events, parsed

from shared.errors import Stale


async def accepted_of(client, text, **body):
    response = await client.post("/api/v1/message", json={"text": text, **body})
    assert response.status_code == 202, response.text
    return response.json()


async def test_a_message_is_accepted_and_its_stream_misses_nothing(ana):
    accepted = await accepted_of(ana, "count to 3")
    assert accepted["status"] == "accepted"
    assert accepted["queuePosition"] == 0
    heard = await events(ana, accepted["streamUrl"] + "&until=" + accepted["answerId"])
    names = [event.name for event in heard]
    assert names == ["message.created"] * 2 + ["generation.started"] + ["llm.token"] * 3 + ["message.completed", "done"]
    assert "".join(event.data["token"] for event in heard if event.name == "llm.token") == "1 2 3 "


async def test_the_stream_url_is_usable_as_it_is(ana, gateway):
    accepted = await accepted_of(ana, "count to 3")
    anybody = await gateway.client(None)
    assert (await events(anybody, accepted["streamUrl"], last="message.completed"))[-1].name == "message.completed"


async def test_r_b_a_reader_that_comes_back_with_its_cursor_gets_the_rest(ana):
    accepted = await accepted_of(ana, "count to 5")
    whole = await events(ana, accepted["streamUrl"], last="message.completed")
    path = f"/api/v1/stream/{accepted['conversationId']}"
    for place in (2, 4, 6):
        # The header wins over the address that a reconnecting EventSource repeats.
        headers = {"last-event-id": whole[place].id}
        rest = await events(ana, accepted["streamUrl"], last="message.completed", headers=headers)
        assert rest == whole[place + 1 :]
        assert await events(ana, f"{path}?after={whole[place].id}", last="message.completed") == rest


async def test_r_k_until_an_answer_that_has_ended_says_done(ana):
    accepted = await accepted_of(ana, "count to 5")
    whole = await events(ana, accepted["streamUrl"], last="message.completed")
    path = f"/api/v1/stream/{accepted['conversationId']}?after={whole[-1].id}&until="
    for until in (accepted["messageId"], accepted["answerId"]):
        assert [event.name for event in await events(ana, path + until)] == ["done"]


async def test_r_k_so_does_the_stream_of_everything(ana, bob):
    accepted = (await ana.post("/api/v1/message", json={"text": "count to 3"})).json()
    whole = await events(ana, accepted["streamUrl"], last="message.completed")
    for name in ("messageId", "answerId"):
        path = f"/api/v1/stream?until={accepted[name]}"
        assert [event.name for event in await events(ana, path) if event.name != "state.updated"] == ["done"]
        rest = await events(ana, path, headers={"Last-Event-ID": whole[-2].id})
        assert [event.name for event in rest if event.name != "state.updated"] == ["message.completed", "done"]
    for person, until in ((bob, accepted["answerId"]), (ana, "m_unknown")):
        assert (await person.get(f"/api/v1/stream?until={until}")).status_code == 404


async def test_without_a_cursor_the_stream_begins_at_the_start_of_the_running_answer(ana):
    ended = await accepted_of(ana, "count to 3")
    await events(ana, ended["streamUrl"], last="message.completed")
    running = await accepted_of(ana, "/hold", conversationId=ended["conversationId"])
    await events(ana, running["streamUrl"], last="llm.token")
    heard = await events(ana, f"/api/v1/stream/{ended['conversationId']}", last="llm.token")
    assert heard[0].name == "generation.started"
    assert heard[0].data["generationId"] == running["generationId"]


async def test_the_users_stream_has_every_conversation(ana):
    state = (await ana.get("/api/v1/state")).json()
    one, two = await accepted_of(ana, "one"), await accepted_of(ana, "two")
    path = f"/api/v1/stream?after={state['cursor']}"
    heard = await events(ana, path + f"&until={two['answerId']}")
    assert {event.data.get("conversationId") for event in heard if event.name == "message.created"} == {
        one["conversationId"],
        two["conversationId"],
    }


async def test_f19_the_same_key_gives_the_same_answer_and_stores_nothing(ana, gateway):
    key = {"idempotency-key": "k1"}
    first = (await ana.post("/api/v1/message", json={"text": "hello"}, headers=key)).json()
    await events(ana, first["streamUrl"], last="message.completed")
    again = (await ana.post("/api/v1/message", json={"text": "hello"}, headers=key)).json()
    in_body = (await ana.post("/api/v1/message", json={"text": "hello", "clientMessageId": "k1"})).json()
    assert again == in_body == first
    assert len(gateway.memory.sent) == 1
    heard = await events(ana, again["streamUrl"], last="message.completed")
    assert heard[0].name == "message.created", "its stream still has the whole turn"


async def test_a_key_in_the_header_and_another_in_the_body_are_refused(ana):
    response = await ana.post(
        "/api/v1/message", json={"text": "a", "clientMessageId": "one"}, headers={"idempotency-key": "two"}
    )
    assert (response.status_code, response.json()["error"]["code"]) == (422, "idempotency_mismatch")


async def test_a_stale_device_gets_what_it_missed(ana, gateway):
    gateway.memory.failing = Stale(messages=[{"id": "m_1", "text": "from elsewhere"}])
    response = await ana.post("/api/v1/message", json={"text": "a", "lastSeen": "m_0"})
    assert response.status_code == 409
    assert response.json()["error"]["messages"] == [{"id": "m_1", "text": "from elsewhere"}]


async def test_edit_regenerate_and_stop(ana):
    accepted = await accepted_of(ana, "hello")
    edited = await ana.put(f"/api/v1/messages/{accepted['messageId']}", json={"text": "/hold"})
    assert edited.status_code == 202
    assert edited.json()["conversationId"] == accepted["conversationId"]
    path = f"/api/v1/conversations/{accepted['conversationId']}"
    again = await ana.post(f"{path}/regenerate", json={"messageId": accepted["answerId"]})
    assert again.status_code == 202
    stopped = await ana.post(f"{path}/stop", json={})
    assert stopped.status_code == 202
    assert edited.json()["generationId"] in stopped.json()["generationIds"]
    heard = await events(ana, edited.json()["streamUrl"] + "&until=" + edited.json()["generationId"])
    assert [event.name for event in heard][-2:] == ["message.cancelled", "done"]


async def test_conversations_are_made_listed_changed_and_deleted(ana):
    made = await ana.post("/api/v1/conversations", json={"title": "one"})
    assert made.status_code == 201
    path = f"/api/v1/conversations/{made.json()['id']}"
    assert (await ana.get(path)).json() == made.json()
    assert (await ana.patch(path, json={"title": "two"})).json()["title"] == "two"
    listed = (await ana.get("/api/v1/conversations")).json()
    assert [conversation["title"] for conversation in listed["conversations"]] == ["two"]
    assert listed["next"] is None
    assert (await ana.delete(path)).json()["conversationIds"] == [made.json()["id"]]
    assert (await ana.get(path)).status_code == 404


async def test_the_state_has_every_room_and_a_cursor_that_misses_nothing(ana):
    await ana.post("/api/chat", json={"message": "hello"})
    state = (await ana.get("/api/v1/state?limit=1")).json()
    assert [message["text"] for message in state["messages"]] == ["hello"]
    for name in ("tasks", "notes", "pinnedMemories", "calendar", "activeSessions"):
        assert state[name] == []
    for name in ("preferences", "plan"):
        assert state[name] == {}
    accepted = await accepted_of(ana, "count to 2")
    heard = await events(ana, f"/api/v1/stream?after={state['cursor']}&until={accepted['answerId']}")
    assert "message.created" in [event.name for event in heard]


async def test_m002_chat_waits_for_the_answer(ana):
    response = await ana.post("/api/chat", json={"message": "count to 3"})
    answer = response.json()
    assert (response.status_code, answer["reply"]) == (200, "1 2 3 ")
    messages = (await ana.get("/api/history", params={"conversationId": answer["conversationId"]})).json()["messages"]
    assert [message["id"] for message in messages][-1] == answer["messageId"]
    assert (await ana.get("/api/history")).json()["messages"] == messages
    assert (await ana.post("/api/clear")).json()["conversationIds"] == [answer["conversationId"]]
    assert (await ana.get("/api/history")).json() == {"messages": []}


@pytest.mark.parametrize(
    ("code", "status", "shown"),
    [
        ("upstream_timeout", 504, "upstream_timeout"),
        ("unknown_model", 404, "unknown_model"),
        ("incomplete", 502, "answer_failed"),
    ],
)
async def test_chat_says_why_an_answer_failed_and_keeps_its_text(ana, code, status, shown):
    response = await ana.post("/api/chat", json={"message": f"/fail {code}"})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["reason"], error["text"]) == (status, shown, code, "half")


async def test_chat_with_a_key_that_was_used_answers_again(ana, gateway):
    key = {"idempotency-key": "k"}
    first = await ana.post("/api/chat", json={"message": "count to 3"}, headers=key)
    assert (await ana.post("/api/chat", json={"message": "count to 3"}, headers=key)).json() == first.json()
    streamed = await ana.post("/api/chat/stream", json={"message": "count to 3"}, headers=key)
    assert [event.name for event in parsed(streamed.text)][-1] == "done"
    assert len(gateway.memory.sent) == 1


async def test_m003_chat_stream_is_the_answer_and_then_done(ana):
    response = await ana.post("/api/chat/stream", json={"message": "count to 3"})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store, no-transform"
    assert response.headers["x-request-id"]
    heard = parsed(response.text)
    assert "".join(event.data["token"] for event in heard if event.name == "llm.token") == "1 2 3 "
    assert [event.name for event in heard][-2:] == ["message.completed", "done"]
    conversation = heard[0].data["conversationId"]
    second = await ana.post("/api/chat/stream", json={"message": "count to 1", "conversationId": conversation})
    assert "".join(event.data["token"] for event in parsed(second.text) if event.name == "llm.token") == "1 "


async def test_m010_hanging_up_does_not_stop_the_answer(ana, gateway):
    async with ana.stream("POST", "/api/chat/stream", json={"message": "/slow"}) as response:
        async for text in response.aiter_text():
            if "message.created" in text:
                break
    with pytest.raises(httpx.ReadTimeout):
        await ana.post("/api/chat", json={"message": "/slow"}, timeout=httpx.Timeout(5, read=0.05))
    async with asyncio.timeout(10):
        while gateway.memory.tasks:
            await asyncio.gather(*gateway.memory.tasks)
    states = [message.status for messages in gateway.memory.messages.values() for message in messages.values()]
    assert states == ["completed"] * 4


async def test_the_calls_of_a_front_end_that_knows_chats(ana, gateway):
    sent = await ana.post("/sendMessage", json={"text": "count to 2", "clientId": "tab 1", "persona": "pirate"})
    assert sent.status_code == 202
    chat = sent.json()["chatId"]
    await events(ana, sent.json()["streamUrl"], last="message.completed")
    assert (await ana.post("/sendMessage", json={"text": "again", "chatId": chat})).json()["chatId"] == chat
    assert [found["chatId"] for found in (await ana.get("/listChats")).json()["chats"]] == [chat]
    retrieved = (await ana.get("/retrieveChat", params={"chatId": chat})).json()
    assert [message["text"] for message in retrieved["messages"]][:2] == ["count to 2", "1 2 "]
    assert (await ana.post("/sendMessage", json={"text": "a", "chatId": "c_unknown"})).status_code == 404
    assert gateway.memory.sent[0].persona == "pirate"


async def test_chat_stream_has_nothing_of_the_answers_around_it(ana):
    before = await accepted_of(ana, "/slow")
    conversation = {"conversationId": before["conversationId"]}
    begun = asyncio.Event()
    streaming = asyncio.create_task(events(ana, "/api/chat/stream", body={"message": "/slow", **conversation}, begun=begun))
    await begun.wait()
    await accepted_of(ana, "count to 2", **conversation)
    heard = await streaming
    first, second, *rest, completed, done = heard
    assert [event.name for event in (first, second, completed, done)] == [*["message.created"] * 2, "message.completed", "done"]
    assert first.data["message"]["id"] == second.data["message"]["parentId"]
    answer = second.data["message"]["generationId"]
    assert {event.data["generationId"] for event in (*rest, completed)} == {answer}
    assert answer != before["generationId"]
    text = "".join(event.data["token"] for event in rest if event.name == "llm.token")
    assert text == completed.data["message"]["text"]
