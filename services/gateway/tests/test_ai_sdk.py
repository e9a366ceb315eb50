"""N14: the AI SDK's own chat (npm `ai`, run by Node.js) sends, resumes, stops, and decides about calls."""

import pytest
from support import node

SCENARIOS = ["chat", "resume", "stop", "think", "tool", "restart", "edit", "fail", "refused", "approve", "reject"]


@pytest.fixture
async def said(gateway):
    return await node.run("ai_sdk.mjs", gateway.url, "ana", *SCENARIOS)


async def test_n14_the_ai_sdk_chats(said):
    chat(said["chat"])
    resume(said["resume"])
    stop(said["stop"])
    tools(said["think"], said["tool"])
    again(said["restart"], said["edit"])
    failures(said["fail"], said["refused"])
    approvals(said["approve"], said["reject"])


def chat(seen):
    assert seen["texts"] == ["count to 3", "1 2 3 ", "count to 2", "1 2 "]
    assert seen["status"] == "ready"
    first = seen["first"]
    assert first["id"].startswith("m_")
    assert first["metadata"]["conversationId"].startswith("c_")
    assert first["metadata"]["usage"] == {"promptTokens": 3, "completionTokens": 4, "totalTokens": 0}
    assert seen["last"]["metadata"]["conversationId"] == first["metadata"]["conversationId"]
    assert [part["type"] for part in first["parts"]] == ["step-start", "text"]
    assert {part["type"] for part in seen["heard"]} == {"data-conversation"}
    assert [message["role"] for message in seen["stored"]] == ["user", "assistant"] * 2


def resume(seen):
    assert seen["same"]
    assert seen["text"] == "".join(f"{n} " for n in range(400))
    assert seen["statuses"] == ["ready"] * 3
    assert seen["late"] == 0


def stop(seen):
    assert seen["answer"] == 202
    assert seen["same"]
    assert seen["statuses"] == ["ready"] * 3
    assert seen["stored"][-1]["metadata"]["status"] == "cancelled"
    assert seen["stored"][-1]["parts"][-1]["text"] == seen["text"]


def tools(think, tool):
    assert think["reasoning"] == "Hm, well."
    assert think["kinds"] == ["step-start", "reasoning:done", "text:done"]
    assert tool["kinds"] == ["step-start", "text:done", "dynamic-tool:output-available", "data-action", "text:done"]
    called = tool["parts"][2]
    assert (called["toolName"], called["input"], called["output"]) == ("create_task", {"title": "Bread"}, {"ok": True})
    assert tool["parts"][3]["data"] == {"event": "create_task", "payload": {"title": "Bread"}, "status": "asked"}
    assert tool["stored"]["parts"][0]["state"] == "output-available"


def again(restart, edit):
    assert restart["text"] == "/restart"
    assert edit["edited"] == ["count to 2", "1 2 "]
    assert edit["again"] == ["count to 4", "1 2 3 4 "]
    assert edit["regenerated"] == ["count to 4", "again"]
    assert edit["status"] == "ready"


def failures(fail, refused):
    assert (fail["status"], fail["text"], fail["errors"]) == ("error", "half", ["It went wrong."])
    assert refused["status"] == "error"
    assert "Files are not supported" in refused["errors"][0]


def approvals(approve, reject):
    asked = ["step-start", "text:done", "dynamic-tool:approval-requested"]
    assert approve["asked"] == reject["asked"] == asked
    assert approve["kinds"] == ["step-start", "text:done", "dynamic-tool:output-available", "text:done"]
    assert reject["kinds"] == ["step-start", "text:done", "dynamic-tool:output-denied", "text:done"]
    assert {one["text"] for one in (approve, reject)} == {"Let me see. Done."}
    assert {one["messages"] for one in (approve, reject)} == {2}
