"""Every call about a person's state against a model of plain dicts, in any order that Hypothesis thinks of."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from shared.contract import state as calls
from shared.errors import Fault, LimitReached, UnknownEvent, UnknownMemory, UnknownNote, UnknownPersona, UnknownTask

USERS = ("ana", "bob")
START = datetime(2100, 1, 1, 12, tzinfo=UTC)
LIMITS = {"open_tasks": 3, "notes": 3, "pinned_memories": 2, "plans": 2, "calendar_events": 4, "personas": 2}

users = st.sampled_from(USERS)
words = st.sampled_from(("a", "b", "ä\0", "👩"))
numbers = st.integers(0, 5)
cities = st.sampled_from((None, "Paris", "Rome", "Zoom"))
LISTS = {"tasks": "tasks", "notes": "notes", "pinned_memories": "memories", "calendar": "calendar", "personas": "personas"}


class Model:
    """What one person has, as the documents say. Every change that changes something counts one version."""

    def __init__(self):
        self.tasks, self.notes, self.memories, self.calendar, self.personas = {}, {}, {}, {}, {}
        self.preferences, self.plans = {}, {}
        self.version = 0


class Person(RuleBasedStateMachine):
    """Asks memory and the model the same; their answers and their states agree."""

    new_desk = new_database = None

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.desk = self.runner.run(self.open())
        self.models = {user: Model() for user in USERS}
        self.operations = 0

    async def open(self):
        url = await self.stack.enter_async_context(type(self).new_database())
        return await self.stack.enter_async_context(type(self).new_desk(database_url=url, **LIMITS))

    def teardown(self):
        self.runner.run(self.stack.aclose())
        self.runner.close()

    def ask(self, user, name, /, *, write=True, **fields):
        """The answer, or the class of the fault. A change is asked for twice: the second time nothing happens."""
        call = getattr(calls, name.upper())
        if write:
            self.operations += 1
            fields["operation_id"] = f"o{self.operations}"
        question = call.question(user=user, **fields)
        answers = [self.answer(call, question) for _ in range(2 if write else 1)]
        assert answers[0] == answers[-1]
        return answers[0]

    def answer(self, call, question):
        try:
            return self.runner.run(self.desk.ask(call, question))
        except Fault as fault:
            return type(fault)

    def expect(self, user, answer, change, fault=None):
        """`change` tells the model what memory answered, and whether it was a change, unless it had to be refused."""
        if fault is not None:
            assert answer is fault
            return
        assert not isinstance(answer, type), answer
        if change(answer):
            self.models[user].version += 1

    def pick(self, objects, number):
        """One of them, or one that is nobody's."""
        return sorted(objects)[number % len(objects)] if objects and number else "nobody's"

    def keep(self, objects, one):
        """Puts it into the model; says whether it is different."""
        different = objects.get(one.id) != one
        objects[one.id] = one
        return different

    # --- tasks -------------------------------------------------------------------------------------------------------

    def too_many_open(self, user):
        return sum(task.status == "open" for task in self.models[user].tasks.values()) >= LIMITS["open_tasks"]

    @rule(user=users, title=words)
    def create_task(self, user, title):
        fault = LimitReached if self.too_many_open(user) else None
        tasks = self.models[user].tasks
        self.expect(user, self.ask(user, "create_task", title=title), lambda task: self.keep(tasks, task), fault)

    @rule(user=users, other=users, number=numbers, title=words, status=st.sampled_from(("open", "completed")))
    def update_task(self, user, other, number, title, status):
        task_id = self.pick(self.models[other].tasks, number)
        old = self.models[user].tasks.get(task_id)
        reopened = old and old.status == "completed" and status == "open"
        fault = UnknownTask if old is None else LimitReached if reopened and self.too_many_open(user) else None
        answer = self.ask(user, "update_task", task_id=task_id, title=title, status=status)

        def changed(task):
            assert (task.title, task.status, task.completed_at is not None) == (title, status, status == "completed")
            return self.keep(self.models[user].tasks, task)

        self.expect(user, answer, changed, fault)

    @rule(user=users, other=users, number=numbers)
    def complete_task(self, user, other, number):
        task_id = self.pick(self.models[other].tasks, number)
        old = self.models[user].tasks.get(task_id)
        answer = self.ask(user, "complete_task", task_id=task_id)

        def changed(task):
            assert task.status == "completed"
            assert old.status == "open" or task == old
            return self.keep(self.models[user].tasks, task)

        self.expect(user, answer, changed, None if old else UnknownTask)

    # --- what is deleted ---------------------------------------------------------------------------------------------

    def delete(self, user, other, number, kind, call, field, fault):
        object_id = self.pick(getattr(self.models[other], kind), number)
        mine = getattr(self.models[user], kind)
        answer = self.ask(user, call, **{field: object_id})
        gone = mine.get(object_id)

        def changed(was):
            assert gone == was or call == "delete_persona"
            del mine[object_id]
            return True

        self.expect(user, answer, changed, None if gone else fault)

    @rule(user=users, other=users, number=numbers)
    def delete_task(self, user, other, number):
        self.delete(user, other, number, "tasks", "delete_task", "task_id", UnknownTask)

    @rule(user=users, other=users, number=numbers)
    def delete_note(self, user, other, number):
        self.delete(user, other, number, "notes", "delete_note", "note_id", UnknownNote)

    @rule(user=users, other=users, number=numbers)
    def unpin_memory(self, user, other, number):
        self.delete(user, other, number, "memories", "unpin_memory", "memory_id", UnknownMemory)

    @rule(user=users, other=users, number=numbers)
    def delete_persona(self, user, other, number):
        self.delete(user, other, number, "personas", "delete_persona", "persona_id", UnknownPersona)

    @rule(user=users, other=users, number=numbers)
    def delete_event(self, user, other, number):
        event_id = self.pick(self.models[other].calendar, number)
        calendar = self.models[user].calendar
        fault = None if event_id in calendar else UnknownEvent

        def changed(gone):
            assert calendar[event_id] == gone
            self.models[user].calendar = {
                key: event for key, event in calendar.items() if event_id not in (key, event.source_event_id)
            }
            return True

        self.expect(user, self.ask(user, "delete_event", event_id=event_id), changed, fault)

    # --- what is kept ------------------------------------------------------------------------------------------------

    @rule(user=users, text=words)
    def create_note(self, user, text):
        notes = self.models[user].notes
        fault = LimitReached if len(notes) >= LIMITS["notes"] else None
        self.expect(user, self.ask(user, "create_note", text=text), lambda note: self.keep(notes, note), fault)

    @rule(user=users, other=users, number=numbers, text=words)
    def update_note(self, user, other, number, text):
        note_id = self.pick(self.models[other].notes, number)
        notes = self.models[user].notes
        fault = None if note_id in notes else UnknownNote

        def changed(note):
            assert note.text == text
            return self.keep(notes, note)

        self.expect(user, self.ask(user, "update_note", note_id=note_id, text=text), changed, fault)

    @rule(user=users, key=words, value=st.sampled_from((None, 1, True, "x", [1, {"a": None}])))
    def pin_memory(self, user, key, value):
        memories = self.models[user].memories
        old = next((memory for memory in memories.values() if memory.key == key), None)
        fault = LimitReached if old is None and len(memories) >= LIMITS["pinned_memories"] else None

        def changed(memory):
            assert repr(memory.value) == repr(value)
            assert old is None or old.id == memory.id
            different = old is None or repr(old.value) != repr(value)
            return self.keep(memories, memory) or different

        self.expect(user, self.ask(user, "pin_memory", type="fact", key=key, value=value), changed, fault)

    @rule(user=users, key=st.sampled_from(("x", "y")), value=st.sampled_from((None, 1, "z")), home=cities)
    def change_preferences(self, user, key, value, home):
        model = self.models[user]
        wanted = {k: v for k, v in {**model.preferences, key: value, "home": home}.items() if v is not None}
        different = wanted != model.preferences
        model.preferences = wanted

        def changed(answer):
            assert answer.preferences == wanted
            return different

        self.expect(user, self.ask(user, "change_preferences", preferences={key: value, "home": home}), changed)

    @rule(user=users, day=st.integers(1, 3), todo=words)
    def put_plan(self, user, day, todo):
        plans, date = self.models[user].plans, f"2026-01-0{day}"
        fault = LimitReached if date not in plans and len(plans) >= LIMITS["plans"] else None

        def changed(plan):
            assert plan.todos == [todo]
            different = plans.get(date) != plan
            plans[date] = plan
            return different

        self.expect(user, self.ask(user, "put_plan", date=date, todos=[todo]), changed, fault)

    @rule(user=users, title=words, city=cities, hours=st.integers(0, 2), external=st.sampled_from((None, "x")))
    def keep_event(self, user, title, city, hours, external):
        model = self.models[user]
        old = next((event for event in model.calendar.values() if external and event.external_id == external), None)
        travels = city in ("Paris", "Rome") and city != model.preferences.get("home")
        old_travel = next((event for event in model.calendar.values() if old and event.source_event_id == old.id), None)
        more = (old is None) + (travels and old_travel is None)
        fault = LimitReached if more and len(model.calendar) + more > LIMITS["calendar_events"] else None
        fields = {
            "title": title,
            "start": START,
            "end": START + timedelta(hours=hours),
            "location": city,
            "external_id": external,
        }

        def changed(kept):
            assert (kept.travel_event is not None) == travels
            assert old is None or old.id == kept.event.id
            different = self.keep(model.calendar, kept.event)
            if kept.travel_event:
                different |= self.keep(model.calendar, kept.travel_event)
            elif old_travel:
                del model.calendar[old_travel.id]
                different = True
            return different

        self.expect(user, self.ask(user, "keep_event", **fields), changed, fault)

    @rule(user=users, other=users, number=numbers, name=words, new=st.booleans())
    def keep_persona(self, user, other, number, name, new):
        personas = self.models[user].personas
        persona_id = None if new else self.pick(self.models[other].personas, number)
        fault = LimitReached if new and len(personas) >= LIMITS["personas"] else None
        if not new and persona_id not in personas:
            fault = UnknownPersona
        answer = self.ask(user, "keep_persona", name=name, system_prompt="p", persona_id=persona_id)
        self.expect(user, answer, lambda persona: self.keep(personas, persona), fault)

    @rule(seconds=st.integers(-600, 600))
    def time_passes(self, seconds):
        self.desk.clock.jump += seconds

    # --- what is read ------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.operations)
    @rule(user=users, limit=st.integers(1, 3))
    def lists_have_everything_once(self, user, limit):
        model = self.models[user]
        for call, field, objects in (
            ("list_tasks", "tasks", model.tasks),
            ("list_notes", "notes", model.notes),
            ("list_memories", "pinned_memories", model.memories),
            ("list_events", "events", model.calendar),
        ):
            found, cursor = [], None
            while cursor is not None or not found:
                page = self.ask(user, call, write=False, limit=limit, cursor=cursor)
                found += getattr(page, field) or [None]
                if (cursor := page.next) is None:
                    break
            found = [one for one in found if one is not None]
            assert len(found) == len(objects)
            assert {one.id: one for one in found} == objects

    @invariant()
    def the_state_is_that_of_the_model(self):
        for user, model in self.models.items():
            state = self.ask(user, "get_state", write=False)
            assert (state.version, state.preferences) == (model.version, model.preferences)
            assert state.plan == {date: plan.wire() for date, plan in model.plans.items()}
            for field, kind in LISTS.items():
                assert {one.id: one for one in getattr(state, field)} == getattr(model, kind)


def check(new_desk, new_database, examples, steps):
    machine = type("Machine", (Person,), {"new_desk": staticmethod(new_desk), "new_database": staticmethod(new_database)})
    health = [
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ]
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=health),
    )


@pytest.mark.sqlite
@pytest.mark.slow
def test_memory_does_what_a_few_dicts_do(new_desk, new_database):
    check(new_desk, new_database, 8, 30)


@pytest.mark.postgresql
@pytest.mark.slow
def test_memory_does_what_a_few_dicts_do_on_postgresql(new_desk, new_database):
    check(new_desk, new_database, 2, 25)
