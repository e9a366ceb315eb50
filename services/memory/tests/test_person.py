"""Tasks, notes, pinned memories, preferences, plans, calendar and personas, one call after the other."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.contract import state as calls
from shared.contract.memory import CREATE_CONVERSATION, UPDATE_CONVERSATION, CreateConversation, UpdateConversation
from shared.contract.streams import MAX_MESSAGE_BYTES
from shared.errors import (
    BadCursor,
    BuiltIn,
    IdempotencyMismatch,
    Invalid,
    LimitReached,
    TooLarge,
    UnknownEvent,
    UnknownMemory,
    UnknownNote,
    UnknownPersona,
    UnknownTask,
)

START = datetime(2026, 6, 1, 9, tzinfo=UTC)


class Person:
    """One user of a desk, who asks by the names of the calls."""

    def __init__(self, desk, user="ana"):
        self.desk, self.user = desk, user

    def __getattr__(self, name):
        call = getattr(calls, name.upper())
        return lambda **fields: self.desk.ask(call, call.question(user=self.user, **fields))

    async def told(self):
        """The names of the events so far, without those that say that there was a change."""
        await self.desk.until_sent()
        return [event.type_name for event in self.desk.post.events() if event.type_name != "state.updated"]

    async def version(self):
        return (await self.get_state()).version

    async def pages(self, name, field, **fields):
        """All pages of a list, one after the other."""
        found, cursor = [], None
        while True:
            page = await getattr(self, name)(cursor=cursor, **fields)
            found.append(getattr(page, field))
            if (cursor := page.next) is None:
                return found


@pytest.fixture
def ana(desk):
    return Person(desk)


def event(title="Dentist", **more):
    return {"title": title, "start": START, "end": START + timedelta(hours=1), **more}


# --- tasks -----------------------------------------------------------------------------------------------------------


async def test_m034_a_task_is_made_changed_completed_and_deleted(ana):
    task = await ana.create_task(title="Pay", due="2026-02-01T09:00:00+01:00", tags=["home"], assignee="Bob")
    assert (task.id[:2], task.status, task.due, task.tags) == ("t_", "open", "2026-02-01T08:00:00Z", ["home"])
    ana.desk.clock.pass_by(1)
    changed = await ana.update_task(task_id=task.id, title="Pay rent", tags=[], clear=["due"])
    assert (changed.title, changed.tags, changed.due, changed.assignee) == ("Pay rent", [], None, "Bob")
    assert changed.updated_at > task.updated_at
    done = await ana.complete_task(task_id=task.id)
    assert (done.status, done.completed_at) == ("completed", done.updated_at)
    assert await ana.get_task(task_id=task.id) == done
    assert await ana.delete_task(task_id=task.id) == done
    with pytest.raises(UnknownTask):
        await ana.get_task(task_id=task.id)
    assert await ana.told() == ["task.created", "task.updated", "task.updated", "task.deleted"]


async def test_what_changes_nothing_is_no_change(ana):
    task = await ana.create_task(title="Pay", due="2026-02-01")
    await ana.complete_task(task_id=task.id)
    note = await ana.create_note(text="x")
    await ana.pin_memory(type="fact", key="k", value={"a": 1})
    await ana.change_preferences(preferences={"language": "de", "n": 1})
    await ana.put_plan(date="2026-01-31", todos=["a"])
    kept = await ana.keep_event(**event("Flight to Rome", external_id="x"))
    persona = await ana.keep_persona(name="P", system_prompt="p")
    version, told = await ana.version(), await ana.told()
    await ana.complete_task(task_id=task.id)
    await ana.update_task(task_id=task.id, due="2026-02-01", status="completed", clear=["assignee"])
    await ana.update_note(note_id=note.id, text="x")
    await ana.pin_memory(type="fact", key="k", value={"a": 1})
    await ana.change_preferences(preferences={"language": "de"}, remove=["unknown"])
    await ana.put_plan(date="2026-01-31", todos=["a"])
    assert await ana.keep_event(**event("Flight to Rome", external_id="x")) == kept
    await ana.keep_persona(name="P", system_prompt="p", persona_id=persona.id)
    assert (await ana.version(), await ana.told()) == (version, told)
    await ana.change_preferences(preferences={"n": True})
    assert await ana.version() == version + 1


async def test_m034_only_so_many_tasks_may_be_open(new_desk):
    async with new_desk(open_tasks=2) as desk:
        ana = Person(desk)
        first, _ = [await ana.create_task(title=str(number)) for number in range(2)]
        with pytest.raises(LimitReached) as refused:
            await ana.create_task(title="3")
        assert refused.value.details == {"limit": 2}
        await Person(desk, "bob").create_task(title="his")
        await ana.complete_task(task_id=first.id)
        await ana.create_task(title="3")
        with pytest.raises(LimitReached):
            await ana.update_task(task_id=first.id, status="open")
        await ana.update_task(task_id=first.id, title="still done")


async def test_lists_are_paged_newest_first_each_thing_once(ana):
    tasks = [(await ana.create_task(title=str(number))).id for number in range(5)]
    notes = [(await ana.create_note(text=str(number), kind=("note", "snippet")[number % 2])).id for number in range(5)]
    await ana.complete_task(task_id=tasks[1])
    ids = sorted(tasks, reverse=True)
    assert [[task.id for task in page] for page in await ana.pages("list_tasks", "tasks", limit=2)] == [
        ids[:2],
        ids[2:4],
        ids[4:],
    ]
    assert [page[0].id for page in await ana.pages("list_tasks", "tasks", status="completed", limit=1)] == [tasks[1]]
    found = [note.id for page in await ana.pages("list_notes", "notes", limit=2) for note in page]
    assert found == sorted(notes, reverse=True)
    assert len((await ana.list_notes(kind="snippet")).notes) == 2
    with pytest.raises(BadCursor):
        await ana.list_tasks(cursor="'; --")


# --- notes -----------------------------------------------------------------------------------------------------------


async def test_m035_a_long_note_is_cut_everywhere_but_where_it_is_asked_for_by_itself(ana):
    text = "ä\U0001f469\0" * 100_000
    note = await ana.create_note(text=text, title="Long", tags=["a"])
    assert (note.truncated, note.size) == (True, len(text.encode()))
    assert text.startswith(note.text)
    assert len(note.text) < 20_000
    assert (await ana.get_note(note_id=note.id)).text == text
    assert (await ana.list_notes()).notes == [note]
    shown = (await ana.get_state()).notes[0]
    assert len(shown.text) < len(note.text)
    assert shown.truncated
    short = await ana.update_note(note_id=note.id, text="short", title="Short")
    assert (short.text, short.size, short.truncated) == ("short", 5, False)
    assert await ana.delete_note(note_id=note.id) == short
    await ana.desk.until_sent()
    assert max(len(letter.data) for letter in ana.desk.post.stored) < MAX_MESSAGE_BYTES // 2


async def test_m035_notes_have_a_length_and_a_number(new_desk):
    async with new_desk(notes=2, note_bytes=10) as desk:
        ana = Person(desk)
        note = await ana.create_note(text="ä" * 5)
        for ask in (ana.create_note(text="ä" * 5 + "x"), ana.update_note(note_id=note.id, text="x" * 11)):
            with pytest.raises(TooLarge):
                await ask
        await ana.create_note(text="")
        with pytest.raises(LimitReached):
            await ana.create_note(text="third")


# --- pinned memories -------------------------------------------------------------------------------------------------


async def test_m036_the_same_type_and_key_replaces_the_value(ana):
    first = await ana.pin_memory(type="fact", key="birthday", value="May 1")
    await ana.pin_memory(type="person", key="birthday", value={"of": ["Bob", None]})
    second = await ana.pin_memory(type="fact", key="birthday", value=None)
    assert (second.id, second.value) == (first.id, None)
    pages = await ana.pages("list_memories", "pinned_memories", limit=1)
    assert [page[0].type for page in pages] == ["fact", "person"]
    assert (await ana.unpin_memory(memory_id=first.id)).value is None
    with pytest.raises(UnknownMemory):
        await ana.unpin_memory(memory_id=first.id)
    assert (await ana.pin_memory(type="fact", key="birthday", value=1)).id != first.id
    assert await ana.told() == ["memory.created", "memory.created", "memory.updated", "memory.deleted", "memory.created"]


async def test_m036_pinned_memories_have_a_length_a_depth_and_a_number(new_desk):
    async with new_desk(pinned_memories=1) as desk:
        ana = Person(desk)
        with pytest.raises(TooLarge):
            await ana.pin_memory(type="a", key="b", value=["ä" * 4096])
        with pytest.raises(Invalid):
            await ana.pin_memory(type="a", key="b", value=[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]])
        await ana.pin_memory(type="a", key="b", value=["ä" * 4000])
        await ana.pin_memory(type="a", key="b", value=2)
        with pytest.raises(LimitReached):
            await ana.pin_memory(type="a", key="c", value=1)


# --- preferences and plans -------------------------------------------------------------------------------------------


async def test_m033_preferences_are_set_and_removed_by_key(ana):
    assert (await ana.get_preferences()).preferences == {}
    await ana.change_preferences(preferences={"timezone": "Europe/Berlin", "x": {"y": None}})
    changed = await ana.change_preferences(preferences={"language": "de"}, remove=["timezone"])
    assert changed.preferences == (await ana.get_preferences()).preferences == {"language": "de", "x": {"y": None}}
    with pytest.raises(Invalid):
        await ana.change_preferences(preferences={"language": "fr", "timezone": "Nowhere"})
    assert (await ana.get_preferences()).preferences == changed.preferences


async def test_m037_a_day_has_one_plan(new_desk):
    async with new_desk(plans=2) as desk:
        ana = Person(desk)
        assert (await ana.get_plan(date="2026-02-28")).updated_at is None
        plan = await ana.put_plan(date="2026-02-28", priorities=["a"], todos=["b"], notes=["c"])
        assert await ana.get_plan(date="2026-02-28") == plan
        await ana.put_plan(date="2026-02-28", todos=["d"])
        assert (await ana.get_plan(date="2026-02-28")).priorities == []
        await ana.put_plan(date="2026-03-01")
        with pytest.raises(LimitReached):
            await ana.put_plan(date="2026-03-02")
        for wrong in ("2026-02-30", "20260228", "2026-W01-1", "tomorrow", ""):
            with pytest.raises(Invalid):
                await ana.get_plan(date=wrong)


# --- calendar --------------------------------------------------------------------------------------------------------


async def test_m042_an_entry_elsewhere_brings_a_travel_event_that_follows_it(ana):
    await ana.change_preferences(preferences={"home": "Berlin"})
    kept = await ana.keep_event(**event("Conference", location="Paris, France"))
    travel = kept.travel_event
    assert (travel.title, travel.kind, travel.warm_only, travel.destination) == ("Travel to Paris", "travel", True, "Paris")
    assert (travel.source_event_id, travel.start) == (kept.event.id, kept.event.start)
    later = {"start": START + timedelta(days=1), "end": START + timedelta(days=2)}
    moved = await ana.keep_event(**{**event("Conference", location="Rome"), **later}, event_id=kept.event.id)
    assert (moved.event.id, moved.travel_event.id) == (kept.event.id, travel.id)
    assert (moved.travel_event.destination, moved.travel_event.start) == ("Rome", later["start"])
    home = await ana.keep_event(**event("Conference", location="Berlin"), event_id=kept.event.id)
    assert home.travel_event is None
    assert (await ana.list_events()).events == [home.event]
    assert (await ana.told())[-2:] == ["calendar.updated", "calendar.deleted"]


async def test_m042_deleting_an_entry_deletes_its_travel_event(ana):
    kept = await ana.keep_event(**event("Flight to Paris"))
    with pytest.raises(Invalid):
        await ana.keep_event(**event("Other"), event_id=kept.travel_event.id)
    assert await ana.delete_event(event_id=kept.event.id) == kept.event
    assert (await ana.list_events()).events == []
    for gone in (kept.event, kept.travel_event):
        with pytest.raises(UnknownEvent):
            await ana.delete_event(event_id=gone.id)


async def test_m042_an_external_id_names_one_entry(ana):
    first = await ana.keep_event(**event("A", external_id="x"))
    again = await ana.keep_event(**event("B", external_id="x"))
    assert (again.event.id, again.event.title) == (first.event.id, "B")
    other = await ana.keep_event(**event("C", external_id="y"))
    with pytest.raises(Invalid):
        await ana.keep_event(**event("D", external_id="x"), event_id=other.event.id)
    kept = await ana.keep_event(**event("E"), event_id=other.event.id)
    assert kept.event.external_id == "y"
    theirs = await Person(ana.desk, "bob").keep_event(**event("his", external_id="x"))
    assert theirs.event.id != first.event.id


async def test_the_calendar_is_listed_by_start_within_a_span(ana):
    for day in (3, 1, 2):
        start = START + timedelta(days=day)
        await ana.keep_event(title=f"Trip to {'ABC'[day - 1]}town", start=start, end=start + timedelta(hours=1))
    pages = await ana.pages("list_events", "events", travel=False, limit=1)
    assert [page[0].start.day for page in pages] == [2, 3, 4]
    assert len((await ana.list_events()).events) == 6
    middle = await ana.list_events(start=START + timedelta(days=1, hours=1), end=START + timedelta(days=3), travel=False)
    assert [one.start.day for one in middle.events] == [3]
    for wrong in ({"start": START.replace(tzinfo=None)}, {"end": START.replace(tzinfo=None)}):
        with pytest.raises(Invalid):
            await ana.list_events(**wrong)


async def test_an_entry_ends_after_it_begins_at_times_that_are_known(new_desk):
    async with new_desk(calendar_events=1) as desk:
        ana = Person(desk)
        naive = START.replace(tzinfo=None)
        for start, end in ((START, START - timedelta(seconds=1)), (naive, naive), (START, naive)):
            with pytest.raises(Invalid):
                await ana.keep_event(title="x", start=start, end=end)
        early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
        with pytest.raises(Invalid):
            await ana.keep_event(title="x", start=early, end=START)
        await ana.keep_event(title="x", start=datetime(1, 1, 1, tzinfo=UTC), end=datetime(9999, 12, 31, tzinfo=UTC))
        with pytest.raises(LimitReached):
            await ana.keep_event(**event())


# --- personas --------------------------------------------------------------------------------------------------------


async def test_m053_there_are_built_in_personas_that_nobody_changes(ana):
    personas = (await ana.list_personas()).personas
    expected = ["assistant", "chief-of-staff", "consultancy-workflow-assistant", "kaladin", "shallan", "dalinar"]
    assert [persona.id for persona in personas] == expected
    for persona in personas:
        assert persona.built_in
        assert 80 <= len(persona.system_prompt.split()) <= 200
        assert persona.description
        assert persona.greeting
        with pytest.raises(BuiltIn):
            await ana.keep_persona(name="x", system_prompt="y", persona_id=persona.id)
        with pytest.raises(BuiltIn):
            await ana.delete_persona(persona_id=persona.id)


async def test_m053_a_persona_of_ones_own_is_named_by_id_or_name(ana):
    own = await ana.keep_persona(name="Space Pirate", system_prompt="Arr.", temperature=1.5, greeting="Ahoy")
    changed = await ana.keep_persona(name="Star Pirate", system_prompt="Arr!", persona_id=own.id)
    assert (changed.id, changed.greeting, changed.created_at) == (own.id, None, own.created_at)
    for name in (own.id, "star-pirate", "STAR  pirate", "star_Pirate"):
        accepted = await ana.desk.send(persona=name)
        assert (await ana.desk.claim(accepted.generation_id)).persona == own.id
    question = CreateConversation(user="ana", persona="Chief of Staff")
    conversation = await ana.desk.ask(CREATE_CONVERSATION, question)
    assert conversation.persona == "chief-of-staff"
    change = UpdateConversation(user="ana", conversation_id=conversation.id, persona="default")
    assert (await ana.desk.ask(UPDATE_CONVERSATION, change)).persona == "assistant"


async def test_m053_an_unknown_persona_is_refused_and_a_deleted_one_is_replaced(ana):
    own = await ana.keep_persona(name="Pirate", system_prompt="Arr.")
    accepted = await ana.desk.send(persona="pirate")
    await ana.desk.answer(accepted.generation_id)
    await ana.delete_persona(persona_id=own.id)
    more = await ana.desk.send(conversation_id=accepted.conversation_id)
    assert (await ana.desk.claim(more.generation_id)).decision == "run"
    conversation = accepted.conversation_id
    for ask in (
        ana.desk.send(persona="pirate"),
        ana.desk.send(persona="pirate", conversation_id=conversation),
        ana.desk.ask(CREATE_CONVERSATION, CreateConversation(user="ana", persona="pirate")),
        ana.desk.ask(UPDATE_CONVERSATION, UpdateConversation(user="ana", conversation_id=conversation, persona=own.id)),
        ana.keep_persona(name="x", system_prompt="y", persona_id=own.id),
        ana.delete_persona(persona_id=own.id),
    ):
        with pytest.raises(UnknownPersona):
            await ask


async def test_own_personas_have_a_number_and_a_length_together(new_desk):
    async with new_desk(personas=2, personas_bytes=40_000) as desk:
        ana = Person(desk)
        first = await ana.keep_persona(name="a", system_prompt="x" * 20_000)
        with pytest.raises(LimitReached):
            await ana.keep_persona(name="b", system_prompt="x" * 20_000)
        await ana.keep_persona(name="b", system_prompt="y")
        with pytest.raises(LimitReached):
            await ana.keep_persona(name="c", system_prompt="y")
        await ana.keep_persona(name="a", system_prompt="x" * 30_000, persona_id=first.id)


# --- what holds for all of them --------------------------------------------------------------------------------------

MADE = {
    "create_task": {"title": "a"},
    "create_note": {"text": "a"},
    "pin_memory": {"type": "a", "key": "b", "value": 1},
    "change_preferences": {"preferences": {"a": 1}},
    "put_plan": {"date": "2026-01-31", "todos": ["a"]},
    "keep_event": event("Flight to Paris"),
    "keep_persona": {"name": "a", "system_prompt": "b"},
}


@pytest.mark.parametrize("name", MADE)
async def test_a_repeated_operation_is_carried_out_once(ana, name):
    ask = getattr(ana, name)
    first = await ask(**MADE[name], operation_id="o")
    version = await ana.version()
    ana.desk.clock.pass_by(60)
    assert await ask(**MADE[name], operation_id="o") == first
    assert await ana.version() == version
    field = next(iter(MADE[name]))
    changed = {**MADE[name], field: {"preferences": {"a": 2}, "date": "2026-02-01"}.get(field, "another")}
    with pytest.raises(IdempotencyMismatch):
        await ask(**changed, operation_id="o")
    theirs = await getattr(Person(ana.desk, "bob"), name)(**MADE[name], operation_id="o")
    assert getattr(theirs, "id", 1) != getattr(first, "id", 2)


async def test_a_repeated_deletion_is_answered_with_what_it_was(ana):
    task = await ana.create_task(title="a")
    gone = await ana.delete_task(task_id=task.id, operation_id="o")
    assert await ana.delete_task(task_id=task.id, operation_id="o") == gone == task


OWNED = {
    "task_id": (UnknownTask, ["get_task", "update_task", "complete_task", "delete_task"], {}),
    "note_id": (UnknownNote, ["get_note", "update_note", "delete_note"], {}),
    "memory_id": (UnknownMemory, ["unpin_memory"], {}),
    "event_id": (UnknownEvent, ["keep_event", "delete_event"], event()),
    "persona_id": (UnknownPersona, ["keep_persona", "delete_persona"], MADE["keep_persona"]),
}


async def test_s04_what_is_others_does_not_exist(desk):
    ana, bob = Person(desk), Person(desk, "bob")
    ids = {
        "task_id": (await ana.create_task(title="a")).id,
        "note_id": (await ana.create_note(text="a")).id,
        "memory_id": (await ana.pin_memory(type="a", key="b", value=1)).id,
        "event_id": (await ana.keep_event(**event())).event.id,
        "persona_id": (await ana.keep_persona(**MADE["keep_persona"])).id,
    }
    before = await ana.get_state()
    for field, (fault, names, more) in OWNED.items():
        for name in names:
            fields = more if name.startswith("keep") else {}
            messages = []
            for object_id in (ids[field], "unknown", "x" * 10_000, "'; --"):
                with pytest.raises(fault) as refused:
                    await getattr(bob, name)(**{field: object_id}, **fields)
                messages.append((str(refused.value), refused.value.details))
            assert len({str(message) for message in messages}) == 1
    assert await ana.get_state() == before
    assert await bob.version() == 0
    lists = {"list_tasks": "tasks", "list_notes": "notes", "list_memories": "pinned_memories", "list_events": "events"}
    for name, field in lists.items():
        assert getattr(await getattr(bob, name)(), field) == []
    assert all(persona.built_in for persona in (await bob.list_personas()).personas)
