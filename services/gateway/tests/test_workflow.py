"""Workflows over HTTP: begun once, looked at, steered, told of on the user's stream; and their short form."""

import asyncio

import pytest
from reading import parsed
from workflow_double import trip_of

from shared.contract.objects import Problem
from shared.contract.trip import Price, RankedFlight
from shared.contract.workflow import OPERATOR, OfWorkflow

pytestmark = pytest.mark.usefixtures("workflows")


async def begun(client, **body):
    response = await client.post("/api/v1/workflows", json={"type": "countdown", **body})
    assert response.status_code == 202, response.text
    return response.json()["id"]


async def test_a_workflow_is_begun_and_looked_at(ana):
    workflow_id = await begun(ana, params={"start": 2, "a": {"b": None}})
    assert workflow_id.startswith("w_")
    found = (await ana.get(f"/api/v1/workflows/{workflow_id}")).json()
    assert (found["id"], found["type"], found["status"]) == (workflow_id, "countdown", "queued")
    assert found["steps"] == [{"name": "plan", "status": "running", "attempts": 1, "startedAt": "2026-01-01T00:00:00Z"}]


async def test_an_id_of_ones_own_is_used_once(ana, workflows):
    assert await begun(ana, id="mine") == "mine"
    again = await ana.post("/api/v1/workflows", json={"type": "countdown", "id": "mine"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "workflow_exists")
    assert len(workflows.known) == 1


async def test_n03_the_same_request_under_the_same_key_is_answered_the_same(ana, bob, workflows):
    key, body = {"idempotency-key": "ä key"}, {"type": "countdown", "params": {"start": 2}}
    headers = {name: value.encode() for name, value in key.items()}
    first = await ana.post("/api/v1/workflows", json=body, headers=headers)
    again = await ana.post("/api/v1/workflows", json=body, headers=headers)
    assert (first.status_code, again.status_code, again.json()) == (202, 202, first.json())
    other = await ana.post("/api/v1/workflows", json={**body, "params": {"start": 3}}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_mismatch")
    await bob.post("/api/v1/workflows", json=body, headers=headers)
    assert sorted(user for user, _ in workflows.known) == ["ana", "bob"]


async def test_a_type_that_nobody_knows_is_refused(ana):
    response = await ana.post("/api/v1/workflows", json={"type": "chef"})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "unknown_workflow_type")


async def test_the_list_is_newest_first_and_its_cursor_may_stand_in_an_address(ana):
    ids = [await begun(ana, id=f"w-{number}") for number in range(5)][::-1]
    page = (await ana.get("/api/v1/workflows?limit=2")).json()
    rest = (await ana.get(f"/api/v1/workflows?limit=200&cursor={page['next']}")).json()
    assert [each["id"] for each in [*page["workflows"], *rest["workflows"]]] == ids
    assert rest["next"] is None
    assert "steps" not in page["workflows"][0]


async def test_the_list_may_be_of_one_status_or_type(ana):
    first, second = await begun(ana), await begun(ana)
    await ana.post(f"/api/v1/workflows/{first}/pause")
    for query, expected in (("status=paused", [first]), ("status=queued", [second]), ("type=task", [])):
        found = (await ana.get(f"/api/v1/workflows?{query}")).json()["workflows"]
        assert [each["id"] for each in found] == expected, query


async def test_a_workflow_is_steered_and_its_users_stream_hears_of_it(ana):
    cursor = (await ana.get("/api/v1/state")).json()["cursor"]
    workflow_id = await begun(ana)
    for deed, status in (("pause", "paused"), ("resume", "running"), ("restart", "queued"), ("terminate", "terminated")):
        response = await ana.post(f"/api/v1/workflows/{workflow_id}/{deed}")
        assert (response.status_code, response.json()) == (202, {"id": workflow_id, "status": status})
    heard = await heard_until(ana, f"/api/v1/stream?after={cursor}", "terminated")
    assert [event.data["status"] for event in heard] == ["paused", "running", "queued", "terminated"]
    assert {(event.name, event.data["workflowId"]) for event in heard} == {("workflow.updated", workflow_id)}


async def heard_until(client, path, status):
    text = ""
    async with asyncio.timeout(20), client.stream("GET", path) as response:
        async for chunk in response.aiter_text():
            text += chunk
            if f'"status":"{status}"' in text and text.endswith("\n\n"):
                return parsed(text)
    raise AssertionError(text)


async def test_it_begins_again_at_a_step_that_there_is(ana, workflows):
    workflow_id = await begun(ana)
    path = f"/api/v1/workflows/{workflow_id}/restart"
    assert (await ana.post(path, json={"fromStep": "plan"})).status_code == 202
    assert workflows.asked[-1].from_step == "plan"
    assert (await ana.post(path, json={"fromStep": "none"})).json()["error"]["code"] == "unknown_step"


async def test_an_event_has_any_payload_and_under_a_key_it_is_the_same_event(ana, workflows):
    workflow_id = await begun(ana)
    for payload in (None, 0, "a", ["a", None], {"a": {"b": None}}):
        body = {"type": "stop", "payload": payload}
        response = await ana.post(f"/api/v1/workflows/{workflow_id}/events", json=body, headers={"idempotency-key": "k"})
        assert response.status_code == 202
        assert (workflows.asked[-1].payload, workflows.asked[-1].event_id) == (payload, "k")


async def test_what_changes_work_has_the_rate_of_changes(run_gateway):
    ana = await (await run_gateway(changes_per_minute=1, changes_burst=2)).client()
    codes = [(await ana.post("/api/v1/workflows", json={"type": "countdown"})).status_code for _ in range(3)]
    assert codes == [202, 202, 429]


# --- the short form --------------------------------------------------------------------------------------------------


async def test_a_goal_is_given_and_its_result_asked_for(ana, workflows):
    response = await ana.post("/api/task", json={"goal": "Reach it.", "userId": "ana"})
    workflow_id = response.json()["id"]
    assert (response.status_code, workflows.asked[-1].type, workflows.asked[-1].params) == (202, "task", {"goal": "Reach it."})
    path = f"/api/task?instanceId={workflow_id}"
    assert (await ana.get(path)).json() == {"id": workflow_id, "status": "queued", "output": None}
    of = OfWorkflow(user="ana", workflow_id=workflow_id)
    output = {"plan": ["a"], "result": "b", "noteId": None}
    await workflows.set(of, status="completed", output=output)
    assert (await ana.get(path)).json() == {"id": workflow_id, "status": "completed", "output": output}
    await workflows.set(of, status="failed", output=None, error=Problem(code="step_failed", message="No."))
    assert (await ana.get(path)).json()["error"] == {"code": "step_failed", "message": "No."}


async def test_what_is_no_task_is_none(ana):
    workflow_id = await begun(ana)
    assert (await ana.get(f"/api/task?instanceId={workflow_id}")).status_code == 404
    assert (await ana.get("/api/task")).status_code == 422


# --- schedules -------------------------------------------------------------------------------------------------------


async def test_a_schedule_is_in_the_timezone_of_the_person(ana, workflows):
    await ana.put("/api/v1/preferences", json={"timezone": "Europe/Berlin"})
    body = {"type": "task", "params": {"goal": "a"}, "cron": "0 7 * * *"}
    made = (await ana.put("/api/v1/schedules/daily", json=body)).json()
    assert (made["id"], made["timezone"], made["cron"], made["runs"]) == ("daily", "Europe/Berlin", "0 7 * * *", 0)
    assert "user" not in made
    assert (await ana.get("/api/v1/schedules")).json() == {"schedules": [made], "next": None}
    once = {"type": "task", "at": "2026-01-31T09:00:00+01:00", "timezone": "UTC"}
    assert (await ana.put("/api/v1/schedules/daily", json=once)).json()["at"] == "2026-01-31T08:00:00Z"
    assert (await ana.delete("/api/v1/schedules/daily")).json() == {"id": "daily"}
    assert (await ana.get("/api/v1/schedules")).json()["schedules"] == []


# --- travel ----------------------------------------------------------------------------------------------------------


async def test_m083_trips_are_suggested_in_the_shape_that_clients_know(ana, bob, memory):
    flight = RankedFlight(
        rank=1,
        flight_id="f1",
        airline="LH",
        departure="2026-12-01T08:00:00",
        arrival="2026-12-01T10:00:00",
        price=Price(amount=80.5, currency="EUR"),
        score=92,
        reasoning="The cheapest.",
    )
    memory.person.trips["ana"] = [
        trip_of("w_flights").model_copy(update={"ranked_flights": [flight], "travel_event_id": "ev_1"})
    ]
    (trip,) = (await ana.get("/api/v1/travel/suggestions")).json()["upcomingTrips"]
    assert {"travelEventId", "destination", "departureDate", "workflowId", "rankedFlights"} <= trip.keys()
    assert trip["rankedFlights"] == [
        {
            "rank": 1,
            "flightId": "f1",
            "airline": "LH",
            "departure": "2026-12-01T08:00:00",
            "arrival": "2026-12-01T10:00:00",
            "price": {"amount": 80.5, "currency": "EUR"},
            "score": 92,
            "reasoning": "The cheapest.",
        }
    ]
    assert (await bob.get("/api/v1/travel/suggestions")).json() == {"upcomingTrips": []}


async def test_m083_a_flight_is_searched_and_selected(ana, workflows):
    wanted = {"destination": "Paris", "departureDate": "2026-12-01"}
    response = await ana.post("/api/v1/travel/search", json=wanted, headers={"idempotency-key": "k"})
    assert (response.status_code, response.json()) == (202, {"workflowId": "w_flights", "status": "running"})
    asked = workflows.asked[-1]
    assert (asked.user, asked.destination, asked.departure_date, asked.wait_seconds, bool(asked.key)) == (
        "ana",
        "Paris",
        "2026-12-01",
        0,
        True,
    )
    selected = await ana.post("/api/v1/travel/w_flights/select/f1")
    assert (selected.status_code, selected.json()["id"], workflows.asked[-1].flight_id) == (202, "w_booking", "f1")
    assert selected.json()["trip"]["workflowId"] == "w_flights"
    unknown = await ana.post("/api/v1/travel/w_other/select/f1")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_trip")
    for body in ({}, {**wanted, "departureDate": "soon"}, {**wanted, "travellers": 0}, {**wanted, "seat": "a"}):
        assert (await ana.post("/api/v1/travel/search", json=body)).status_code == 422


# --- the operator's --------------------------------------------------------------------------------------------------


async def test_m084_the_operators_workflows_need_the_service_token_and_are_nobodys(run_gateway, workflows):
    token = "s" * 40
    gateway = await run_gateway(service_token=token)
    service = await gateway.client(None, headers={"authorization": f"Bearer {token}"})
    body = {"type": "countdown", "id": "group-1"}
    begun_there = await service.post("/api/v1/internal/workflows", json=body)
    assert (begun_there.status_code, begun_there.json()) == (202, {"id": "group-1"})
    assert workflows.asked[-1].operator
    assert (await service.get("/api/v1/internal/workflows/group-1")).json()["id"] == "group-1"
    person = await gateway.client("operator")
    assert (await person.get("/api/v1/workflows/group-1")).status_code == 404
    assert (await person.post("/api/v1/internal/workflows", json=body)).status_code == 401
    assert (await (await gateway.client(OPERATOR)).get("/api/v1/workflows/group-1")).status_code == 400
