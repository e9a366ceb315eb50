"""Approvals over HTTP: listed, decided once, bound to what was shown (S9), and nobody else's (S4)."""

import pytest

HASH = "a" * 64


@pytest.fixture
def approval(gateway):
    return gateway.memory.approvals.ask("ana", to="ben", text="hi")


async def decide(client, approval, decision="approve", **more):
    body = {"decision": decision, "argumentsHash": HASH} | more
    response = await client.post(f"/api/v1/approvals/{approval.id}", json=body)
    return response.status_code, response.json()


async def test_what_waits_for_a_decision_is_listed_and_part_of_the_state(ana, approval):
    listed = (await ana.get("/api/v1/approvals")).json()
    assert listed == {"approvals": [approval.wire()], "next": None}
    assert listed["approvals"][0]["arguments"] == {"to": "ben", "text": "hi"}
    assert (await ana.get("/api/v1/approvals?conversationId=c_2")).json()["approvals"] == []
    assert (await ana.get("/api/v1/state")).json()["approvals"] == [approval.wire()]


async def test_s9_a_decision_is_made_once_and_the_same_again_is_answered_the_same(ana, approval):
    status, decided = await decide(ana, approval)
    assert (status, decided["status"]) == (200, "approved")
    assert await decide(ana, approval) == (200, decided)
    status, body = await decide(ana, approval, "reject")
    assert (status, body["error"]["code"]) == (409, "approval_decided")
    assert (await ana.get("/api/v1/approvals")).json()["approvals"] == []


async def test_s9_other_arguments_than_those_that_were_shown_are_not_agreed_to(ana, approval):
    status, body = await decide(ana, approval, argumentsHash="b" * 64)
    assert (status, body["error"]["code"]) == (409, "arguments_changed")


async def test_s4_approvals_of_others_do_not_exist(ana, bob, approval):
    status, body = await decide(bob, approval)
    assert (status, body["error"]["code"]) == (404, "unknown_approval")
    assert (await bob.get("/api/v1/approvals")).json()["approvals"] == []
    response = await ana.post("/api/v1/approvals/ap_0000", json={"decision": "approve", "argumentsHash": HASH})
    assert response.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": "approve"},
        {"argumentsHash": HASH},
        {"decision": "maybe", "argumentsHash": HASH},
        {"decision": "approve", "argumentsHash": "x"},
        {"decision": "approve", "argumentsHash": 5},
        {"decision": "approve", "argumentsHash": HASH, "arguments": {}},
    ],
)
async def test_f35_what_is_no_decision_is_refused(ana, approval, body):
    response = await ana.post(f"/api/v1/approvals/{approval.id}", json=body)
    assert response.status_code == 422
    assert (await ana.get("/api/v1/approvals")).json()["approvals"] == [approval.wire()]
