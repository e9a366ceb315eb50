"""The jobs on a real nats-server: what they ask, what they keep, and that a worker may die over them."""

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from neighbours_double import AT, last, neighbours, new_task

from shared.contract.person import CalendarEvent
from shared.errors import Invalid, LimitReached, ModelBusy, ModelRefused
from workflow.jobs import day, week, wording

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def others(new_bus):
    async with neighbours(await new_bus("memory"), await new_bus("inference")) as double:
        yield double


def event(title, start, end, **fields):
    given = {"id": f"ev_{title}", "title": title, "start": start, "end": end, "created_at": AT, "updated_at": AT}
    return CalendarEvent(**{**given, **fields})


# --- a task ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("worker")
async def test_m072_a_goal_is_planned_worked_item_by_item_and_kept(ana, others):
    workflow_id = await ana.create("task", {"goal": "  Reach it. "})
    assert await ana.result(workflow_id) == {
        "plan": ["first", "second"],
        "result": "did Now the result, please.",
        "noteId": "n_0",
    }
    steps = [(step.name, step.status) for step in (await ana.get(workflow_id)).steps]
    assert steps == [(name, "completed") for name in ("plan", "1. first", "2. second", "result", "store")]
    assert [last(question) for question in others.asked] == ["Reach it.", "first", "second", "Now the result, please."]
    assert "Step 1:\ndid first" in others.asked[2].messages[-2].text
    ((order, _),) = others.notes.values()
    assert (order.user, order.title, order.tags) == ("ana", "Task: Reach it.", ["task"])
    assert order.text == "did Now the result, please.\n\nSteps:\n1. first\n2. second"


@pytest.mark.usefixtures("worker")
async def test_m072_without_a_model_the_result_says_that_rules_made_it(ana, others):
    others.kind = "embedded"
    output = await ana.result(await ana.create("task", {"goal": "Reach it."}))
    assert output["result"] == f"{wording.BY_RULES}\n\n1. first\ndid first\n\n2. second\ndid second"
    assert len(others.asked) == 3, "and no model words it"
    ((order, _),) = others.notes.values()
    assert order.text == output["result"]


@pytest.mark.usefixtures("worker")
async def test_a_model_that_is_busy_or_talks_nonsense_is_asked_again(ana, others):
    answers = iter([ModelBusy(), "Sure! Here is the plan: 1. first", '["only"]'])
    others.says = lambda question: next(answers) if question.form == "list" else "said"
    workflow_id = await ana.create("task", {"goal": "Reach it."})
    assert (await ana.result(workflow_id))["plan"] == ["only"]
    assert (await ana.get(workflow_id)).steps[0].attempts == 3


@pytest.mark.usefixtures("worker")
async def test_a_model_that_refuses_ends_the_task_with_its_reason(ana, others):
    others.says = lambda _: ModelRefused()
    state = await ana.until(await ana.create("task", {"goal": "Reach it."}), "failed")
    assert (state.error.code, "refused the request" in state.error.message) == ("step_failed", True)
    assert len(others.asked) == 1


@pytest.mark.usefixtures("worker")
async def test_who_can_not_have_more_notes_still_has_the_result(ana, others):
    others.refusal = LimitReached()
    output = await ana.result(await ana.create("task", {"goal": "Reach it."}))
    assert (output["result"], output["noteId"]) == ("did Now the result, please.", None)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("params", [{}, {"goal": " \n"}, {"goal": "x" * 8_001}, {"goal": 5}, {"goal": "a", "more": 1}, "goal"])
async def test_what_is_no_goal_is_refused(ana, others, params):
    with pytest.raises(Invalid):
        await ana.create("task", params)


async def test_F8_a_task_whose_worker_is_killed_goes_on_with_another_and_is_kept_once(ana, others, new_process):
    first = await new_process()
    others.hold = "second"
    workflow_id = await ana.create("task", {"goal": "Reach it."})
    await ana.until_that(workflow_id, lambda state: any(step.status == "running" for step in state.steps))
    assert [last(question) for question in others.asked] == ["Reach it.", "first", "second"]
    await first.kill()
    others.open.set()
    await new_process()
    assert (await ana.result(workflow_id))["plan"] == ["first", "second"]
    assert [last(question) for question in others.asked[3:]] == ["second", "Now the result, please."], "the rest is recorded"
    assert len(others.notes) == 1


# --- what is said and read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ('["a", "b"]', ["a", "b"]),
        (' \n["a"]\n', ["a"]),
        ('```json\n["a",\n "b"]\n```', ["a", "b"]),
        ('```\n["a"]\n```\n', ["a"]),
        ('[" a\\u0000 ", "\\ud83d\\ude42", "\\ud800"]', ["a", "🙂", "?"]),
    ],
)
def test_a_plan_is_a_json_array_and_one_fence_is_forgiven(text, plan):
    assert wording.plan_of(text) == plan


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "[]", "{}", '"a"', "[1]", '["a", null]', '[""]', '[" "]', '["a"', 'Plan: ["a"]', "[" * 100_000),
        *("```\n" + " " * 100_000, "```\n" + "```\n" * 30_000, "9" * 5_000, "[" + "9" * 5_000 + "]"),
        *(json.dumps(["x" * 501]), json.dumps(["a"] * 13), '```json\n["a"]\n``` and more'),
    ],
)
def test_anything_else_is_no_plan(text):
    with pytest.raises(wording.Unreadable):
        wording.plan_of(text)


def test_names_of_steps_are_ones_that_the_engine_takes():
    for item in ("a", "#1 is\nfirst", "x" * 500, "ä" * 500):
        name = wording.step_name(12, item)
        assert 0 < len(name) <= 200
        assert "#" not in name
        assert "\n" not in name


def test_what_was_said_so_far_is_cut_to_the_room_that_there_is():
    plan, done = [f"item {number}" for number in range(12)], ["x" * wording.LONGEST_TEXT] * 11
    assert len(wording.progress(plan, done)) < wording.REPORTED + 1_000
    assert "x" * 16_000 in wording.progress(plan, done[:1])


# --- the plan of a day -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("worker")
async def test_m034_the_plan_of_a_day_comes_from_tasks_and_calendar(ana, others):
    others.preferences = {"timezone": "Europe/Berlin"}
    others.tasks = [new_task(f"open {number}", created_at=AT + timedelta(minutes=number)) for number in range(9)]
    others.tasks += [new_task("due", due="2026-12-01"), new_task("pressing", tags=["Urgent"])]
    others.events = [event("Fair", datetime(2026, 12, 1, 8, tzinfo=UTC), datetime(2026, 12, 1, 16, tzinfo=UTC))]
    output = await ana.result(await ana.create("daily_plan", {"date": "2026-12-01"}))
    assert output["priorities"] == ["pressing", "due", "open 0"]
    assert output["todos"] == [f"open {number}" for number in range(1, 6)]
    assert output["notes"] == ["In the calendar: 09:00–17:00 Fair. 3 more tasks are open."]
    (kept,) = others.plans
    assert (kept.user, kept.date, kept.priorities, bool(kept.operation_id)) == ("ana", "2026-12-01", output["priorities"], True)
    (question,) = others.event_questions
    assert (question.start, question.end) == (datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 12, 1, 23, tzinfo=UTC))


@pytest.mark.usefixtures("worker")
async def test_without_anything_a_plan_is_of_today_and_says_that_there_is_nothing(ana, others):
    output = await ana.result(await ana.create("daily_plan"))
    assert output == {"date": output["date"], "priorities": [], "todos": [], "notes": ["Nothing is in the calendar."]}
    assert abs(date.fromisoformat(output["date"]) - datetime.now(UTC).date()) <= timedelta(days=1)


@pytest.mark.parametrize("name", ["Mars/Olympus", None, 5, "", "../../etc/passwd", "/etc/passwd", "x\0y"])
def test_a_timezone_that_is_none_is_utc(name):
    assert day.zone_of(name).key == "UTC"


def test_a_day_has_as_many_hours_as_the_clocks_say():
    begins, ends = day.bounds(date(2026, 10, 25), BERLIN)
    assert ends - begins == timedelta(hours=25)


def test_what_goes_on_over_midnight_and_what_is_only_kept_warm():
    begins, ends = datetime(2026, 11, 30, 20, tzinfo=UTC), datetime(2026, 12, 1, 6, tzinfo=UTC)
    night = event("Night train", begins, ends, location="Vienna")
    trip = event("Trip", begins, ends, kind="travel", warm_only=True)
    assert day.calendar_of([night, trip], date(2026, 12, 1), BERLIN) == "In the calendar: …–07:00 Night train (Vienna)."


def test_moments_that_are_due_count_by_the_day_that_they_are_there():
    late, day_after = new_task("late", due="2026-11-30T23:30:00Z"), new_task("day", due="2026-12-01", created_at=AT - WEEK)
    assert day.planned([late, day_after], [], date(2026, 12, 1), BERLIN)["priorities"] == ["day", "late"]


# --- the week --------------------------------------------------------------------------------------------------------

WEEK = timedelta(days=7)


@pytest.mark.usefixtures("worker")
async def test_the_week_is_told_by_a_model_or_counted_by_a_rule(ana, others):
    now = datetime.now(UTC)
    others.tasks = [
        new_task("new", created_at=now),
        new_task("old", created_at=now - 2 * WEEK),
        new_task("finished", status="completed", created_at=now - 2 * WEEK, completed_at=now),
        new_task("long ago", status="completed", created_at=now - 2 * WEEK, completed_at=now - 2 * WEEK),
    ]
    output = await ana.result(await ana.create("week_summary"))
    assert output == {"summary": "did opened: new\ndone: finished", "noteId": "n_0"}
    others.kind = "embedded"
    output = await ana.result(await ana.create("week_summary"))
    assert output["summary"].splitlines() == [week.BY_RULES, "Messages: 0", "Done: 1", "- finished", "New and open: 1", "- new"]
