"""What is done in the background and for several people: the policy, schedules by preference, calendars, groups, archives."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from neighbours_double import AT, last, neighbours, new_task

from shared.contract import workflow as contract
from shared.contract.acting import ToolAnswer
from shared.contract.objects import ChatMessage, Problem
from shared.contract.person import CalendarEvent
from shared.contract.tools import Tool
from shared.contract.workflow import Arrange, CreateWorkflow, ListSchedules
from shared.errors import UnknownWorkflowType
from workflow.adapters.neighbours import BusTools, BusWord
from workflow.arranging import arranged
from workflow.definition import workflow
from workflow.jobs import using_tools, week
from workflow.jobs.calendars import Window, changes, fetched
from workflow.jobs.policy import GuardedPost, GuardedTools
from workflow.retries import NEVER

BERLIN = ZoneInfo("Europe/Berlin")
CREATE = Tool(name="create_task", description="Makes a task.")
CALENDAR = Tool(name="cal__list_events", server="cal", parameters={"properties": {"timeMin": {}, "timeMax": {}}})


@pytest.fixture
async def others(new_bus):
    async with neighbours(await new_bus("memory"), await new_bus("inference")) as double:
        yield double


# --- the policy ------------------------------------------------------------------------------------------------------


def disobedient(bus, *, warm_only):
    """A job that does what it may not: it calls a heavy tool, and writes to the person."""

    @workflow("disobedient", warm_only=warm_only)
    async def code(step, params):
        async def call(attempt):
            return await GuardedTools(BusTools(bus, 30)).call(attempt, "heavy", {})

        async def say(attempt):
            return (await GuardedPost(BusWord(bus)).say(attempt, "Spam", "Hello!")).conversation_id

        return await step.do(params["what"], call if params["what"] == "call" else say, retries=NEVER)

    return code


@pytest.mark.parametrize("what", ["call", "say"])
async def test_m080_work_in_the_background_is_refused_heavy_tools_and_a_word_to_the_person(
    ana, others, new_bus, new_worker, what
):
    others.tools = [Tool(name="heavy", heavy=True)]
    await new_worker([disobedient(await new_bus("workflow"), warm_only=True)])
    state = await ana.until(await ana.create("disobedient", {"what": what}), "failed")
    assert (state.steps[0].error.code, state.steps[0].attempts) == ("warm_only", 1)
    assert (others.calls, others.outputs, others.conversations) == ([], {}, [])


@pytest.mark.parametrize("what", ["call", "say"])
async def test_m080_what_a_person_has_begun_may_do_both(ana, others, new_bus, new_worker, what):
    others.tools = [Tool(name="heavy", heavy=True)]
    await new_worker([disobedient(await new_bus("workflow"), warm_only=False)])
    await ana.result(await ana.create("disobedient", {"what": what}))
    assert [call.warm_only for call in others.calls] == ([False] if what == "call" else [])
    assert len(others.outputs) == (what == "say")


async def test_m080_inference_refuses_too_whatever_a_job_calls_by(ana, others, new_bus, new_worker):
    bus = await new_bus("workflow")
    others.tools = [Tool(name="heavy", heavy=True)]

    @workflow("by hand", warm_only=True)
    async def unguarded(step, params):
        async def call(attempt):
            return await BusTools(bus, 30).call(attempt, "heavy", {})

        return await step.do("call", call, retries=NEVER)

    await new_worker([unguarded])
    state = await ana.until(await ana.create("by hand"), "failed")
    assert state.steps[0].error.code == "warm_only"


# --- tools inside steps ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("worker")
async def test_m076_an_item_that_needs_a_tool_has_it_called_in_a_step_of_its_own(ana, others):
    others.tools = [CREATE, Tool(name="heavy__ask", policy="ask"), Tool(name="start_workflow")]
    answers = {"second": '{"tool": "create_task", "arguments": {"title": "Buy milk"}}', "create_task gave:\nt_1": "It is done."}
    others.says = lambda asked: (
        '["first", "second"]' if asked.form == "list" else answers.get(last(asked), f"did {last(asked)}")
    )
    others.does = lambda _: "t_1"
    workflow_id = await ana.create("task", {"goal": "Shop."})
    await ana.result(workflow_id)
    names = [step.name for step in (await ana.get(workflow_id)).steps]
    assert names == ["plan", "1. first", "2. second", "2. use create_task", "2. second#2", "result", "store"]
    ((call,), questions) = others.calls, others.asked
    assert (call.name, call.arguments, call.user, bool(call.key)) == ("create_task", {"title": "Buy milk"}, "ana", True)
    told = questions[1].messages[0].text
    assert "create_task" in told
    assert "heavy__ask" not in told
    assert "start_workflow" not in told
    assert {question.user for question in questions} == {"ana"}


@pytest.mark.usefixtures("worker")
async def test_m076_a_tool_that_fails_is_something_the_model_hears(ana, others):
    others.tools = [CREATE]
    asks = '{"tool": "create_task", "arguments": {}}'
    others.says = lambda asked: (
        '["only"]' if asked.form == "list" else asks if last(asked) == "only" else f"heard {last(asked)}"
    )
    others.does = lambda _: ToolAnswer(status="failed", error=Problem(code="invalid", message="no title"))
    output = await ana.result(await ana.create("task", {"goal": "Shop."}))
    assert "no title" in others.asked[2].messages[-1].text
    assert output["plan"] == ["only"]


@pytest.mark.usefixtures("worker")
async def test_m076_without_a_model_a_rule_finds_the_tool(ana, others):
    others.kind, others.tools = "embedded", [CREATE]
    others.says = lambda asked: '["Create a task to buy milk.", "think"]' if asked.form == "list" else "I can't."
    output = await ana.result(await ana.create("task", {"goal": "Shop."}))
    assert [call.arguments for call in others.calls] == [{"title": "buy milk"}]
    assert "create_task gave:\ndone" in output["result"]


@pytest.mark.parametrize(
    "text", ["{}", '{"tool": "other"}', '{"tool": "create_task", "arguments": []}', "{" * 5000, "[1]", "ok"]
)
def test_what_is_no_call_is_an_answer(text):
    assert using_tools.use_of(text, [{"name": "create_task"}]) is None


def test_tools_have_room_for_what_is_told_of_them():
    long = [Tool(name=f"t{number}", parameters={"x": "y" * 9_000}) for number in range(9)]
    assert [tool["name"] for tool in using_tools.usable([*long, CREATE])] == ["t0", "t1", "create_task"]


# --- schedules that preferences ask for ------------------------------------------------------------------------------


async def schedules(ana):
    found = (await ana.bus.ask(contract.LIST_SCHEDULES, ListSchedules(user="ana"), timeout=30)).schedules
    return {one.schedule_id: one for one in found}


@pytest.mark.usefixtures("worker")
async def test_m078_who_opts_in_has_a_schedule_and_who_opts_out_has_none(ana, others, new_bus):
    memory = await new_bus("memory")

    async def change(preferences, there):
        others.preferences = preferences
        await memory.store(contract.ARRANGE.subject("ana"), Arrange(user="ana").encode())
        return await ana.until_so(lambda: schedules(ana), there)

    wanted = {"dailyPlan": True, "planAt": "06:30", "timezone": "Europe/Berlin"}
    found = await change(wanted, lambda found: "daily-plan" in found)
    plan = found["daily-plan"]
    assert (plan.type, plan.cron, plan.timezone) == ("daily_plan", "30 6 * * *", "Europe/Berlin")
    assert plan.next_at.astimezone(BERLIN).strftime("%H:%M") == "06:30"
    told = {**wanted, "notifications": {"dailyPlan": True}, "calendarSync": True}
    found = await change(told, lambda found: "calendar-sync" in found)
    assert found["daily-plan"].type == "daily_message"
    assert await change({}, lambda found: not found) == {}


def test_preferences_that_are_anything_arrange_nothing():
    assert set(arranged("ana", {"dailyPlan": "yes", "calendarSync": 1, "planAt": 7, "timezone": None}).values()) == {None}
    assert arranged("ana", {"dailyPlan": True, "planAt": "x"})["daily-plan"].cron == "0 7 * * *"


@pytest.mark.usefixtures("worker")
async def test_m078_a_plan_is_a_message_only_for_who_wants_one(ana, others):
    others.tasks = [new_task("Buy milk")]
    output = await ana.result(await ana.create("daily_message", {"date": "2026-12-01"}))
    assert output["messageId"] is None
    assert others.outputs == {}
    others.preferences = {"notifications": {"dailyPlan": True}}
    for _ in range(2):
        output = await ana.result(await ana.create("daily_message", {"date": "2026-12-01"}))
    assert output["messageId"] == "m_1"
    assert [one.title for one in others.conversations] == ["Plan of the day"]
    first, second = others.outputs.values()
    assert first.text == "**Tuesday, 01 December**\n\nFirst:\n1. Buy milk\n\nNothing is in the calendar."
    assert first.conversation_id == second.conversation_id == "c_0"


# --- a calendar ------------------------------------------------------------------------------------------------------


def entry(identity, start, **more):
    at = start.isoformat()
    return {"id": identity, "summary": f"Event {identity}", "start": {"dateTime": at}, "end": {"dateTime": at}, **more}


@pytest.mark.usefixtures("worker")
async def test_m079_a_calendar_is_brought_over_and_what_vanished_there_vanishes_here(ana, others):
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=5)
    mine = CalendarEvent(id="ev_mine", title="Mine", start=soon, end=soon, created_at=AT, updated_at=AT)
    others.tools, others.events = [CALENDAR], [mine]
    there = [entry("a", soon), entry("b", soon), entry("c", soon, status="cancelled")]
    others.does = lambda _: {"items": there}

    async def sync():
        output = await ana.result(await ana.create("calendar_sync"))
        return (output["kept"], output["removed"], output["unchanged"]), {event.title for event in others.events}

    assert await sync() == ((2, 0, 0), {"Mine", "Event a", "Event b"})
    assert await sync() == ((0, 0, 2), {"Mine", "Event a", "Event b"})
    there[:] = [entry("a", soon, summary="Renamed")]
    assert await sync() == ((1, 1, 0), {"Mine", "Renamed"})
    assert all(call.warm_only for call in others.calls)
    assert set(others.calls[0].arguments) == {"timeMin", "timeMax"}


@pytest.mark.usefixtures("worker")
async def test_nothing_counts_as_vanished_when_an_answer_can_not_be_read_as_a_whole(ana, others):
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=5)
    others.tools = [CALENDAR]
    others.does = lambda _: {"items": [entry("a", soon)]}
    await ana.result(await ana.create("calendar_sync"))
    for answer in ({"items": [{"id": "?"}]}, {"items": [], "nextPageToken": "more"}, "sorry", {}):
        others.does = lambda _, answer=answer: answer
        output = await ana.result(await ana.create("calendar_sync"))
        assert output["removed"] == 0
    assert len(others.events) == 1


def test_entries_are_read_as_servers_write_them():
    given = [
        {"uid": 7, "title": "Day", "start": "2026-12-01", "end": "2026-12-02"},
        {"id": "x", "subject": "Talk", "start": {"dateTime": "2026-12-01T09:00:00+01:00"}, "location": {"displayName": "Rome"}},
        {"id": "y", "start": {"date": "2026-12-01"}, "end": {"date": "2026-11-01"}},
    ]
    found = fetched({"events": given}, "cal:", BERLIN)
    assert found.complete
    day, talk, odd = found.entries
    assert (day["externalId"], day["start"], day["title"]) == ("cal:7", "2026-11-30T23:00:00+00:00", "Day")
    assert (talk["location"], talk["end"]) == ("Rome", "2026-12-01T08:00:00+00:00")
    assert (odd["title"], odd["end"]) == ("(untitled)", odd["start"])


def test_what_is_at_the_edge_of_what_was_asked_for_has_not_vanished():
    start = datetime(2026, 12, 1, tzinfo=UTC)
    window = Window(start, start + timedelta(days=30))
    fields = {"created_at": AT, "updated_at": AT, "external_id": "cal:1"}
    edge = CalendarEvent(id="ev_1", title="t", start=start, end=start, **fields)
    assert changes(fetched([], "cal:", BERLIN), [edge], "cal:", window)["remove"] == []
    inside = edge.model_copy(update={"start": start + timedelta(days=9), "end": start + timedelta(days=9)})
    assert changes(fetched([], "cal:", BERLIN), [inside], "cal:", window)["remove"] == ["ev_1"]
    assert changes(fetched([], "other:", BERLIN), [inside], "other:", window)["remove"] == []


# --- a group ---------------------------------------------------------------------------------------------------------


async def operate(ana, params):
    question = CreateWorkflow(user="ana", type="group_summary", params=params, operator=True)
    return await ana.result((await ana.bus.ask(contract.CREATE, question, timeout=30)).id)


@pytest.mark.usefixtures("worker")
async def test_m084_a_group_is_summed_up_of_those_who_agreed_and_they_get_it(ana, others):
    others.of = {"bob": {"groupSummary": True}, "eve": {"groupSummary": True}, "mallory": {}}
    others.tasks = [new_task("new", created_at=datetime.now(UTC))]
    output = await operate(ana, {"users": ["bob", "mallory", "eve", "bob"], "name": "Team"})
    assert (output["people"], output["leftOut"], output["notes"]) == (2, 1, 2)
    assert "## bob" in last(others.asked[0])
    assert "mallory" not in last(others.asked[0])
    assert sorted(order.user for order, _ in others.notes.values()) == ["bob", "eve"]


@pytest.mark.usefixtures("worker")
async def test_m084_nobody_else_than_the_operator_begins_one(ana, others):
    with pytest.raises(UnknownWorkflowType):
        await ana.create("group_summary", {"users": ["bob"]})
    assert (await operate(ana, {"users": ["bob"]}))["summary"] is None
    assert others.asked == []


def test_a_group_by_rules_has_a_heading_for_each_person():
    assert week.group_by_rules([], AT) == week.BY_RULES


# --- old things, long things -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("worker")
async def test_m079_archive_and_summarise_are_ordered_and_what_they_did_is_told(ana, others):
    assert await ana.result(await ana.create("archive")) == {"packed": 2, "summaries": 1}
    asked = {"conversationId": "c_1"}
    assert await ana.result(await ana.create("summarise", asked)) == {"summary": None}
    others.messages = [message("what was said")]
    others.says = lambda _: "short"
    assert await ana.result(await ana.create("summarise", asked)) == {"summary": "short"}
    assert [(digest.text, digest.until, digest.model) for digest in others.digests] == [("short", "m_9", "m")]
    others.kind = "embedded"
    assert await ana.result(await ana.create("summarise", asked)) == {"summary": None}


def message(text, role="user"):
    return ChatMessage(id="m_0", conversation_id="c_1", role=role, text=text, status="completed", created_at=AT)


async def test_m077_a_long_answer_is_context_generate_and_store_and_outlives_its_worker(ana, others, new_worker):
    first = await new_worker()
    others.messages = [message("before"), message("said", "assistant")]
    others.hold = "Tell me everything."
    workflow_id = await ana.create("answer", {"text": "Tell me everything.", "conversationId": "c_1"})
    await ana.until_that(workflow_id, lambda state: len(state.steps) == 2)
    await first.aclose()
    others.hold = None
    await new_worker()
    output = await ana.result(workflow_id)
    assert output == {"conversationId": "c_1", "messageId": "m_1", "model": "m"}
    assert [one.text for one in others.asked[-1].messages[1:]] == ["before", "said", "Tell me everything."]
    (order,) = others.outputs.values()
    assert order.text == "> Tell me everything.\n\ndid Tell me everything."
    assert [step.name for step in (await ana.get(workflow_id)).steps] == ["context", "generate", "store"]


@pytest.mark.usefixtures("worker", "others")
async def test_a_long_answer_in_a_conversation_that_is_not_there_fails(ana):
    state = await ana.until(await ana.create("answer", {"text": "?", "conversationId": "c_none"}), "failed")
    assert state.steps[0].error.code == "unknown_conversation"
