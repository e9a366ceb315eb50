"""An old `/state` and the events after its cursor give the fresh `/state`, over HTTP, for whatever a person does."""

import asyncio

TERMINAL = {"message.completed", "message.failed", "message.cancelled"}


class Screen:
    """What a client keeps, by the rules of docs/clients.md."""

    def __init__(self, state):
        self.version = state["version"]
        self.conversations = {each["id"]: each for each in state["conversations"]}
        self.messages = {each["id"]: each for each in state["messages"]}

    def apply(self, event):
        data = event.data
        if event.event == "state.updated":
            self.version = data["version"]
        elif event.event in ("conversation.created", "conversation.updated"):
            self.conversations[data["conversationId"]] = data["conversation"]
        elif event.event == "conversation.deleted":
            self.conversations.pop(data["conversationId"], None)
            self.messages = {k: m for k, m in self.messages.items() if m["conversationId"] != data["conversationId"]}
        elif data.get("conversationId") in self.conversations:
            self.of_a_conversation(event.event, data, self.conversations[data["conversationId"]])

    def of_a_conversation(self, name, data, conversation):
        if name == "message.created":
            self.messages[data["message"]["id"]] = data["message"]
            conversation |= {"headId": data["message"]["id"], "updatedAt": data["at"]}
        elif name in ("generation.started", "generation.restarted"):
            self.messages[data["messageId"]]["status"] = "streaming"
            conversation["runningGenerationId"] = data["generationId"]
        elif name in TERMINAL:
            self.messages[data["messageId"]] = data["message"]
            conversation.pop("runningGenerationId", None)


async def a_busy_morning(client):
    """Does one of everything."""
    first = await client.send("count to 5")
    await client.answer(first)
    await client.answer(await client.send("hello", conversationId=first["conversationId"]))
    edited = await client.call("PUT", f"/api/v1/messages/{first['messageId']}", json={"text": "count to 7"})
    await client.answer(edited)
    again = await client.call(
        "POST", f"/api/v1/conversations/{first['conversationId']}/regenerate", json={"messageId": edited["answerId"]}
    )
    await client.answer(again)
    failed = await client.send("hello", model="no-such-model")
    assert (await client.answer(failed)).ends == {failed["answerId"]: "message.failed"}
    stopped = await client.send("count to 9999")
    await client.answer_begins(stopped)
    queued = await client.send("hello", conversationId=stopped["conversationId"])
    await client.call("POST", f"/api/v1/conversations/{stopped['conversationId']}/stop", json={})
    await client.answer(queued)
    empty = await client.call("POST", "/api/v1/conversations", json={"title": "empty"})
    await client.call("PATCH", f"/api/v1/conversations/{empty['id']}", json={"title": "renamed"})
    await client.call("DELETE", f"/api/v1/conversations/{failed['conversationId']}")
    return first["conversationId"]


async def test_an_old_state_and_the_events_since_give_the_fresh_state(system):
    async with system.client("fay") as client:
        await client.answer(await client.send("before"))
        old = await client.call("GET", "/api/v1/state", params={"limit": 500})
        await a_busy_morning(client)
        fresh = await client.call("GET", "/api/v1/state", params={"limit": 500})
        screen, wanted = Screen(old), Screen(fresh)
        async with asyncio.timeout(30):
            async for event in client.follow("/api/v1/stream", old["cursor"]):
                screen.apply(event)
                if event.id == fresh["cursor"]:
                    break
        assert screen.version == wanted.version
        assert screen.conversations == wanted.conversations
        assert screen.messages == wanted.messages
