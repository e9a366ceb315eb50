"""S4: what belongs to others doesn't exist, on every route that takes an id."""

from typing import Any

import pytest
from reading import events

ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/api/v1/stream/{conversation}", None),
    ("GET", "/api/v1/stream/{conversation}?until={answer}", None),
    ("GET", "/api/v1/conversations/{conversation}", None),
    ("PATCH", "/api/v1/conversations/{conversation}", {"title": "mine"}),
    ("DELETE", "/api/v1/conversations/{conversation}", None),
    ("GET", "/api/v1/conversations/{conversation}/messages", None),
    ("POST", "/api/v1/conversations/{conversation}/stop", {}),
    ("POST", "/api/v1/conversations/{conversation}/stop", {"generationId": "{generation}"}),
    ("POST", "/api/v1/conversations/{conversation}/regenerate", {"messageId": "{message}"}),
    ("PUT", "/api/v1/messages/{message}", {"text": "mine"}),
    ("POST", "/api/v1/message", {"text": "mine", "conversationId": "{conversation}"}),
    ("POST", "/api/chat", {"message": "mine", "conversationId": "{conversation}"}),
    ("POST", "/api/chat/stream", {"message": "mine", "conversationId": "{conversation}"}),
    ("POST", "/api/clear", {"conversationId": "{conversation}"}),
    ("GET", "/api/history?conversationId={conversation}", None),
    ("POST", "/sendMessage", {"text": "mine", "chatId": "{conversation}"}),
    ("GET", "/retrieveChat?chatId={conversation}", None),
]
RANDOM = {"conversation": "c_0000", "message": "m_0000", "answer": "m_0001", "generation": "g_0000"}


def filled(template: Any, ids: dict[str, str]) -> Any:
    if isinstance(template, dict):
        return {name: filled(value, ids) for name, value in template.items()}
    return template.format(**ids) if isinstance(template, str) else template


async def statuses(client: Any, ids: dict[str, str]) -> dict[str, int]:
    found = {}
    for method, path, body in ROUTES:
        response = await client.request(method, filled(path, ids), json=filled(body, ids))
        found[f"{method} {path} {body}"] = response.status_code
    return found


@pytest.fixture
async def anas(ana) -> dict[str, str]:
    accepted = (await ana.post("/api/v1/message", json={"text": "secret"})).json()
    await events(ana, accepted["streamUrl"], last="message.completed")
    return {
        "conversation": accepted["conversationId"],
        "message": accepted["messageId"],
        "answer": accepted["answerId"],
        "generation": accepted["generationId"],
    }


async def test_s4_foreign_random_and_deleted_objects_are_not_found_on_any_route(ana, bob, anas, gateway):
    expected = dict.fromkeys((f"{method} {path} {body}" for method, path, body in ROUTES), 404)
    assert await statuses(bob, anas) == expected
    assert await statuses(ana, RANDOM) == expected
    assert len(gateway.memory.sent) == 1
    assert (await ana.delete(f"/api/v1/conversations/{anas['conversation']}")).status_code == 200
    assert await statuses(ana, anas) == expected


async def test_s4_a_foreign_cursor_gives_nothing_of_its_owner(ana, bob, anas):
    cursor = (await ana.get("/api/v1/state")).json()["cursor"]
    accepted = (await bob.post("/api/v1/message", json={"text": "count to 1"})).json()
    beginning = cursor.partition("-")[0] + "-0"
    heard = await events(bob, f"/api/v1/stream?after={beginning}&until={accepted['generationId']}")
    assert all("secret" not in str(event.data) for event in heard)


async def test_s4_lists_hold_only_what_is_the_callers(bob, anas):
    assert (await bob.get("/api/v1/conversations")).json()["conversations"] == []
    assert (await bob.get("/api/v1/state")).json()["messages"] == []
    assert (await bob.get("/listChats")).json() == {"chats": []}
    assert (await bob.get("/api/history")).json() == {"messages": []}
    assert (await bob.post("/api/clear")).json() == {"conversationIds": []}


async def test_a_user_id_that_is_not_the_callers_is_refused(ana, gateway):
    for path, body in (
        ("/api/v1/message", {"text": "a"}),
        ("/api/chat", {"message": "a"}),
        ("/api/chat/stream", {"message": "a"}),
    ):
        response = await ana.post(path, json={**body, "userId": "bob"})
        assert (response.status_code, response.json()["error"]["code"]) == (403, "forbidden_user")
    assert gateway.memory.sent == []
    assert (await ana.post("/api/v1/message", json={"text": "a", "userId": "ana"})).status_code == 202
