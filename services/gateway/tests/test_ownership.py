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
EVENT = {"title": "mine", "start": "2026-01-31T09:00:00Z", "end": "2026-01-31T10:00:00Z"}
PERSONA = {"name": "mine", "systemPrompt": "mine"}
STATE_ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/api/v1/tasks/{task}", None),
    ("POST", "/api/v1/tasks", {"action": "update", "task": {"id": "{task}", "title": "mine"}}),
    ("POST", "/api/v1/tasks", {"action": "complete", "task": {"id": "{task}"}}),
    ("POST", "/api/v1/tasks", {"action": "delete", "task": {"id": "{task}"}}),
    ("GET", "/api/v1/notes/{note}", None),
    ("PUT", "/api/v1/notes/{note}", {"text": "mine"}),
    ("DELETE", "/api/v1/notes/{note}", None),
    ("DELETE", "/api/v1/notes?id={note}", None),
    ("DELETE", "/api/v1/memory/{memory}", None),
    ("PUT", "/api/v1/calendar/event/{event}", EVENT),
    ("DELETE", "/api/v1/calendar/event/{event}", None),
    ("PUT", "/api/v1/personas/{persona}", PERSONA),
    ("DELETE", "/api/v1/personas/{persona}", None),
    ("POST", "/api/v1/approvals/{approval}", {"decision": "approve", "argumentsHash": "a" * 64}),
]
WORKFLOW_ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/api/v1/workflows/{workflow}", None),
    ("GET", "/api/task?instanceId={workflow}", None),
    *(("POST", "/api/v1/workflows/{workflow}/" + deed, None) for deed in ("pause", "resume", "terminate", "restart")),
    ("POST", "/api/v1/workflows/{workflow}/restart", {"fromStep": "plan"}),
    ("POST", "/api/v1/workflows/{workflow}/events", {"type": "mine"}),
    ("POST", "/api/v1/travel/{workflow}/select/f1", None),
]
RANDOM = {
    "workflow": "w_0000",
    "conversation": "c_0000",
    "message": "m_0000",
    "answer": "m_0001",
    "generation": "g_0000",
    "task": "t_0000",
    "note": "n_0000",
    "memory": "k_0000",
    "event": "ev_0000",
    "persona": "p_0000",
    "approval": "ap_0000",
}


def filled(template: Any, ids: dict[str, str]) -> Any:
    if isinstance(template, dict):
        return {name: filled(value, ids) for name, value in template.items()}
    return template.format(**ids) if isinstance(template, str) else template


async def statuses(client: Any, ids: dict[str, str], routes: list[tuple[str, str, Any]]) -> dict[str, int]:
    found = {}
    for method, path, body in routes:
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
    assert await statuses(bob, anas, ROUTES) == expected
    assert await statuses(ana, RANDOM, ROUTES) == expected
    assert len(gateway.memory.sent) == 1
    assert (await ana.delete(f"/api/v1/conversations/{anas['conversation']}")).status_code == 200
    assert await statuses(ana, anas, ROUTES) == expected


async def test_s4_foreign_random_and_deleted_parts_of_a_state_are_not_found_on_any_route(ana, bob, gateway):
    made = {
        "task": await ana.post("/api/v1/tasks", json={"action": "create", "task": {"title": "secret"}}),
        "note": await ana.post("/api/v1/notes", json={"text": "secret"}),
        "memory": await ana.post("/api/v1/memory/pin", json={"type": "a", "key": "b", "value": "secret"}),
        "event": await ana.post("/api/v1/calendar/event", json={**EVENT, "title": "secret"}),
        "persona": await ana.post("/api/v1/personas", json={**PERSONA, "name": "secret"}),
    }
    ids = {name: response.json()["id"] for name, response in made.items()}
    ids["approval"] = gateway.memory.approvals.ask("ana", to="secret").id
    expected = dict.fromkeys((f"{method} {path} {body}" for method, path, body in STATE_ROUTES), 404)
    assert await statuses(bob, ids, STATE_ROUTES) == expected
    assert await statuses(ana, RANDOM, STATE_ROUTES) == expected
    for path in (
        "state",
        "tasks",
        "notes",
        "memory",
        "calendar",
        "personas",
        "search?q=secret",
        "export",
        "preferences",
        "approvals",
    ):
        assert "secret" not in (await bob.get(f"/api/v1/{path}")).text, path
    await bob.delete("/api/v1/account")
    for path in ("tasks", "notes", "memory", "calendar", "personas", "search?q=secret"):
        assert "secret" in (await ana.get(f"/api/v1/{path}")).text, path
    await ana.delete("/api/v1/account")
    assert await statuses(ana, ids, STATE_ROUTES) == expected


async def test_s4_foreign_and_random_workflows_and_schedules_are_not_found_on_any_route(ana, bob, workflows):
    begun = await ana.post("/api/v1/workflows", json={"type": "task", "params": {"goal": "secret"}})
    await ana.put("/api/v1/schedules/mine", json={"type": "task", "params": {"goal": "secret"}, "cron": "0 7 * * *"})
    expected = dict.fromkeys((f"{method} {path} {body}" for method, path, body in WORKFLOW_ROUTES), 404)
    assert await statuses(bob, {"workflow": begun.json()["id"]}, WORKFLOW_ROUTES) == expected
    assert await statuses(ana, RANDOM, WORKFLOW_ROUTES) == expected
    assert (await bob.delete("/api/v1/schedules/mine")).status_code == 200, "as for one that there never was"
    for path in ("workflows", "schedules"):
        assert (await bob.get(f"/api/v1/{path}")).json() == {path: [], "next": None}
        assert len((await ana.get(f"/api/v1/{path}")).json()[path]) == 1
    assert workflows.known["ana", begun.json()["id"]].status == "queued"
    assert (await bob.post("/api/v1/workflows", json={"type": "task", "id": begun.json()["id"]})).status_code == 202, "his own"


async def test_s4_a_foreign_cursor_gives_nothing_of_its_owner(ana, bob, anas):
    cursor = (await ana.get("/api/v1/state")).json()["cursor"]
    accepted = (await bob.post("/api/v1/message", json={"text": "count to 1"})).json()
    beginning = cursor.partition("-")[0] + "-0"
    heard = await events(bob, f"/api/v1/stream?after={beginning}&until={accepted['answerId']}")
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
        ("/api/task", {"goal": "a"}),
    ):
        response = await ana.post(path, json={**body, "userId": "bob"})
        assert (response.status_code, response.json()["error"]["code"]) == (403, "forbidden_user")
    assert gateway.memory.sent == []
    assert (await ana.post("/api/v1/message", json={"text": "a", "userId": "ana"})).status_code == 202
