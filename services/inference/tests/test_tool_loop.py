"""The rounds of an answer: what a model calls is kept, made, told of and given back to it; nothing is made twice."""

import asyncio
from typing import Any

import fake_upstream as fake
import pytest
from scripted import calls, says
from turns import Turn, Work, folded

from inference import lease
from shared.bus import Bus
from shared.contract.inference import StopNow
from shared.contract.subjects import stop_signal
from shared.contract.tools import Round, ToolCallState
from shared.errors import LimitReached

TASK = ("create_task", {"title": "Bread"})


def settings(url: str, **more: Any) -> dict[str, Any]:
    return {"base_url": url, "model": "m", "retries": 0, "idle_seconds": 60, "first_token_seconds": 60} | more


async def events(turn: Turn, *kinds: str) -> list[dict[str, Any]]:
    return [one.event for one in await turn.log() if one.type in kinds]


async def test_m057_a_model_calls_a_tool_and_goes_on_with_its_answer(turn: Turn, work: Work):
    async with fake.upstream(calls(TASK, text="Let me see."), says("Noted.")) as server:
        await work(**settings(server.url))
        end = await turn.answer("bread")
    assert (end.outcome, end.text, end.finish_reason) == ("completed", "Let me see.\n\nNoted.", "stop")
    assert folded(await turn.log()) == end.text
    row = turn.memory.rows["g_1"]
    assert [action.payload for action in row.actions] == [{"title": "Bread"}]
    assert (end.usage.total_tokens, end.actions, end.tool_calls, end.heed) == (30, [], None, False)
    kinds = [one.type for one in await turn.log()]
    assert kinds == ["generation.started", "llm.token", "tool.started", "llm.action", "tool.finished", "llm.token"]
    [finished] = await events(turn, "tool.finished")
    assert (finished["status"], finished["result"], finished["name"]) == ("completed", {"id": "t_1"}, "create_task")


async def test_the_second_round_is_told_what_the_first_one_called_as_data(turn: Turn, work: Work):
    async with fake.upstream(calls(("list_tasks", {}), text="Well."), says("None.")) as server:
        await work(**settings(server.url))
        await turn.answer("tasks?")
    first, second = server.requests
    assert {tool["function"]["name"] for tool in first.body["tools"]} >= {"list_tasks", "create_task", "find_flights"}
    assert "no instruction" not in first.body["messages"][-1]["content"]
    *_, said, told = second.body["messages"]
    assert (said["content"], said["tool_calls"][0]["function"]) == ("Well.", {"name": "list_tasks", "arguments": "{}"})
    assert told["tool_call_id"] == said["tool_calls"][0]["id"]
    assert told["content"].startswith("<data ")
    assert '{"tasks":[]}' in told["content"]


async def test_m019_the_card_of_an_action_comes_before_the_answer_ends(turn: Turn, work: Work):
    go_on = asyncio.Event()

    async def slow(x: fake.Exchange) -> None:
        await x.begin()
        for index in range(2):
            call = {"index": index, "id": f"c{index}", "function": {"name": "create_task", "arguments": '{"title":"a"}'}}
            await x.chunk(fake.event({"choices": [{"delta": {"tool_calls": [call]}}]}))
        await go_on.wait()
        await x.end()

    async with fake.upstream(slow, says("ok")) as server:
        await work(**settings(server.url))
        row = turn.memory.add("two")
        await turn.order()
        async with asyncio.timeout(20):
            while len(await events(turn, "llm.action")) < 2:
                await asyncio.sleep(0.01)
        assert row.rounds == []
        go_on.set()
        assert (await turn.ended(row)).text == "ok"
    assert [one["payload"] for one in await events(turn, "llm.action")] == [{"title": "a"}] * 2


async def test_calls_of_one_name_in_all_rounds_have_ids_of_their_own(turn: Turn, work: Work):
    async with fake.upstream(calls(TASK, TASK, ids="same"), calls(TASK, ids="a.b:c"), says("ok")) as server:
        await work(**settings(server.url))
        await turn.answer("three")
    ids = [call.id for one in turn.memory.rows["g_1"].rounds for call in one.calls]
    assert len(set(ids)) == 3
    assert all(call.replace("_", "").isalnum() for call in ids)
    assert len(turn.memory.rows["g_1"].actions) == 3


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (("nonsense", {}), "unknown_tool"),
        (("create_task", {}), "invalid_arguments"),
        (("create_task", {"title": "a", "user": "ben"}), "invalid_arguments"),
    ],
)
async def test_a_call_that_can_not_be_made_is_told_to_the_model_which_may_do_better(
    turn: Turn, work: Work, call: tuple[str, dict[str, Any]], code: str
):
    async with fake.upstream(calls(call), calls(TASK), says("ok")) as server:
        await work(**settings(server.url))
        end = await turn.answer("bread")
    assert (end.outcome, end.text) == ("completed", "ok")
    assert code in server.requests[1].body["messages"][-1]["content"]
    first, second = await events(turn, "tool.finished")
    assert (first["status"], first["error"]["code"], second["status"]) == ("failed", code, "completed")


async def test_what_memory_refuses_is_a_failed_call(turn: Turn, work: Work):
    turn.memory.refuse = LimitReached()
    async with fake.upstream(calls(TASK), says("Too many.")) as server:
        await work(**settings(server.url))
        end = await turn.answer("bread")
    assert "limit_reached" in server.requests[1].body["messages"][-1]["content"]
    assert (end.text, end.heed) == ("Too many.", True)


async def test_a_model_that_never_stops_calling_is_asked_for_words_at_last(turn: Turn, work: Work):
    async with fake.upstream(calls(("list_tasks", {}), text="Hm.")) as server:
        await work(**settings(server.url, tool_rounds=2))
        end = await turn.answer("tasks?")
    assert [request.body.get("tool_choice") for request in server.requests] == [None, None, "none"]
    assert (end.outcome, end.finish_reason, end.text) == ("completed", "length", "Hm.\n\nHm.\n\nHm.")
    assert len(turn.memory.rows["g_1"].rounds) == 2


async def test_s13_no_further_round_without_a_budget(turn: Turn, work: Work):
    turn.memory.exhausted = True
    async with fake.upstream(calls(TASK, text="Let me see.")) as server:
        await work(**settings(server.url))
        end = await turn.answer("bread")
    assert (end.outcome, end.error.code, end.text) == ("failed", "budget_exhausted", "Let me see.")
    assert turn.memory.rows["g_1"].actions == []


@pytest.mark.parametrize("claim", [{"temporary": True}, {"client_tools": []}])
async def test_nobodys_conversation_and_a_client_with_tools_get_none_of_ours(turn: Turn, work: Work, claim: dict[str, Any]):
    async with fake.upstream(calls(TASK)) as server:
        await work(**settings(server.url))
        end = await turn.answer("bread", **claim)
    assert "tools" not in server.requests[0].body
    assert (end.outcome, turn.memory.rows["g_1"].rounds) == ("completed", [])


# --- approvals ----------------------------------------------------------------------------------------------------------------

ASK = '[builtin.create_task]\npolicy = "ask"'


async def test_n10_a_call_that_needs_an_approval_waits_without_a_worker_and_is_made_after_it(turn: Turn, work: Work):
    async with fake.upstream(calls(TASK, text="May I?"), says("Done.")) as server:
        await work(**settings(server.url, tool_servers=ASK, slots=1))
        row = turn.memory.add("bread")
        await turn.order()
        async with asyncio.timeout(20):
            await row.suspended.wait()
        assert row.actions == []
        assert (await turn.answer("hi", "g_2")).text == "Done."  # The only slot is free.
        row.decide("call_0", "approved")
        await turn.order()
        end = await turn.ended(row)
    assert (end.outcome, end.text, end.epoch) == ("completed", "May I?\n\nDone.", 2)
    assert folded(await turn.log()) == end.text
    restarted = [one.type for one in await turn.log()][4:]
    assert restarted == ["generation.restarted", "llm.token", "tool.started", "tool.finished", "llm.token"]
    assert [action.payload for action in row.actions] == [{"title": "Bread"}]


async def test_n10_a_rejected_call_is_not_made_and_the_model_is_told(turn: Turn, work: Work):
    async with fake.upstream(calls(TASK), says("All right.")) as server:
        await work(**settings(server.url, tool_servers=ASK))
        row = turn.memory.add("bread")
        await turn.order()
        async with asyncio.timeout(20):
            await row.suspended.wait()
        row.decide("call_0", "rejected")
        await turn.order()
        end = await turn.ended(row)
    assert (end.text, row.actions) == ("All right.", [])
    assert '"status":"rejected"' in server.requests[-1].body["messages"][-1]["content"]
    assert [one["status"] for one in await events(turn, "tool.finished")] == ["rejected"]


async def test_what_needs_no_approval_is_made_before_one_is_waited_for(turn: Turn, work: Work):
    async with fake.upstream(calls(TASK, ("create_note", {"text": "a"})), says("ok")) as server:
        await work(**settings(server.url, tool_servers=ASK))
        row = turn.memory.add("both")
        await turn.order()
        async with asyncio.timeout(20):
            await row.suspended.wait()
    assert [action.event for action in row.actions] == ["create_note"]


@pytest.mark.parametrize(("wish", "statuses"), [("ask", ["waiting"]), ("auto", ["planned"]), ("never", ["planned"])])
async def test_a_person_may_be_stricter_than_the_operator(turn: Turn, work: Work, wish: str, statuses: list[str]):
    async with fake.upstream(calls(TASK), says("ok")) as server:
        await work(**settings(server.url))
        row = turn.memory.add("bread", preferences={"toolPolicy": {"create_task": wish}})
        await turn.order()
        async with asyncio.timeout(20):
            while not (row.suspended.is_set() or row.end):
                await asyncio.sleep(0.01)
    made = {"ask": 0, "auto": 1, "never": 0}[wish]
    assert len(row.actions) == made


async def test_s9_after_an_attachment_actions_need_an_approval_and_the_text_is_not_heeded(turn: Turn, work: Work):
    async with fake.upstream(calls(TASK), says("no")) as server:
        await work(**settings(server.url))
        row = turn.memory.add("read this", untrusted=True)
        await turn.order()
        async with asyncio.timeout(20):
            await row.suspended.wait()
        row.decide("call_0", "rejected")
        await turn.order()
        end = await turn.ended(row)
    assert (row.actions, end.heed) == ([], False)


# --- crashes and stops --------------------------------------------------------------------------------------------------------


def left(status: str, name: str = "list_tasks", *, idempotent: bool = True) -> Round:
    arguments = {"title": "Bread"} if name == "create_task" else {}
    call = ToolCallState(id="c1", name=name, arguments=arguments, status=status, idempotent=idempotent)
    return Round(number=0, text="So far.", calls=[call])


@pytest.mark.parametrize("status", ["planned", "approved", "running"])
async def test_f1_whoever_goes_on_makes_what_was_left_and_says_again_what_was_said(turn: Turn, work: Work, status: str):
    async with fake.upstream(says("Then.")) as server:
        await work(**settings(server.url))
        row = turn.memory.add("bread")
        row.epoch, row.rounds = 1, [left(status, "create_task")]
        await turn.order()
        end = await turn.ended(row)
    assert (end.text, len(row.actions)) == ("So far.\n\nThen.", 1)
    assert folded(await turn.log()) == end.text


async def test_f1_what_is_done_is_not_done_again(turn: Turn, work: Work):
    async with fake.upstream(says("Then.")) as server:
        await work(**settings(server.url))
        row = turn.memory.add("bread")
        row.epoch, row.rounds = 1, [left("completed", "create_task")]
        await turn.order()
        end = await turn.ended(row)
    assert (end.text, row.actions, end.heed) == ("So far.\n\nThen.", [], False)


async def test_f1_a_call_that_was_begun_and_can_not_be_repeated_is_unknown_and_the_model_is_told(turn: Turn, work: Work):
    async with fake.upstream(says("I don't know.")) as server:
        await work(**settings(server.url))
        row = turn.memory.add("pay")
        row.epoch, row.rounds, row.begun = 1, [left("running", "bank__pay", idempotent=False)], {"c1": 1}
        await turn.order()
        await turn.ended(row)
    assert row.call("c1").status == "unknown"
    assert "not known whether this was done" in server.requests[0].body["messages"][-1]["content"]
    assert [one["status"] for one in await events(turn, "tool.finished")] == ["unknown"]


async def test_f21_a_generation_stopped_while_nobody_held_it_keeps_what_its_rounds_said(turn: Turn, work: Work):
    row = turn.memory.add("bread")
    row.rounds, row.stop = [left("waiting")], True
    await work()
    await turn.order()
    assert (await turn.ended(row)).text == "So far."


async def test_f21_stop_ends_an_answer_while_a_tool_runs_and_says_what_became_of_the_call(turn: Turn, work: Work, bus: Bus):
    asked, over = asyncio.Event(), asyncio.Event()

    async def hang(_: object):
        asked.set()
        await over.wait()

    turn.memory.hook = hang
    async with fake.upstream(calls(("list_tasks", {})), says("no")) as server:
        await work(**settings(server.url))
        row = turn.memory.add("tasks?")
        await turn.order()
        async with asyncio.timeout(20):
            await asked.wait()
        await bus.tell(stop_signal("g_1"), StopNow(generation_id="g_1"))
        end = await turn.ended(row)
        over.set()
    assert (end.outcome, row.call("call_0").status, row.call("call_0").error.code) == ("cancelled", "failed", "cancelled")
    assert [one["status"] for one in await events(turn, "tool.finished")] == ["failed"]


async def test_a_lease_lost_while_a_tool_is_asked_ends_the_attempt(turn: Turn, work: Work, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.05)

    over = asyncio.Event()

    async def lose(_: object):
        turn.memory.hook = None
        row.epoch += 1
        await over.wait()

    turn.memory.hook = lose
    async with fake.upstream(calls(("list_tasks", {})), says("mine")) as server:
        await work(**settings(server.url))
        row = turn.memory.add("tasks?", lease_seconds=0.1)
        await turn.order()
        end = await turn.ended(row, 20)
        over.set()
    assert (end.epoch, end.text) == (3, "mine")


async def test_f47_no_deadline_of_the_model_runs_while_a_tool_does(turn: Turn, work: Work):
    async def slow(_: object):
        await asyncio.sleep(1.0)

    turn.memory.hook = slow
    async with fake.upstream(calls(("list_tasks", {})), says("late")) as server:
        await work(**settings(server.url, idle_seconds=0.4, first_token_seconds=20, total_seconds=20))
        assert (await turn.answer("tasks?")).text == "late"
