"""What a final output asks for: carried out in its transaction, told before its end, and never in its way (M019, M039)."""

import json

import pytest

from shared.contract.account import STORE_OUTPUT, StoreOutput
from shared.contract.memory import LIST_MESSAGES, ListMessages
from shared.contract.objects import Usage
from shared.contract.person import Action
from shared.contract.state import (
    CREATE_TASK,
    LIST_EVENTS,
    LIST_MEMORIES,
    LIST_NOTES,
    LIST_TASKS,
    CreateTask,
    ListEvents,
    ListMemories,
    ListNotes,
    ListTasks,
)
from shared.errors import IdempotencyMismatch, UnknownConversation

TASK = '{"event":"create_task","payload":{"title":"Buy milk","due":"2026-01-31"}}'
ASKING = f"I put it on your list.\n```actions\n[{TASK}]\n```"


async def completed(desk, text, **more):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    await desk.finish(accepted.generation_id, text=text, **more)
    await desk.until_sent()
    return accepted


async def titles(desk, user="ana"):
    return [task.title for task in (await desk.ask(LIST_TASKS, ListTasks(user=user))).tasks]


async def test_m019_a_task_an_answer_asks_for_is_told_before_the_answers_end_and_shown_with_it(desk):
    accepted = await completed(desk, ASKING)
    told = [event.type_name for event in desk.post.events()]
    order = [told.index(name) for name in ("task.created", "action.created", "message.completed")]
    assert order == sorted(order)
    task = (await desk.ask(LIST_TASKS, ListTasks(user="ana"))).tasks[0]
    assert (task.title, task.due, task.generation_id) == ("Buy milk", "2026-01-31", accepted.generation_id)
    shown = (await desk.ask(LIST_MESSAGES, ListMessages(user="ana", conversation_id=accepted.conversation_id))).messages[-1]
    assert shown.text == ASKING  # byte for byte what was streamed
    assert [(action.event, action.object_id) for action in shown.actions] == [("create_task", task.id)]
    event = next(event for event in desk.post.events() if event.type_name == "action.created")
    assert (event.object_id, event.message_id, event.generation_id) == (task.id, accepted.answer_id, accepted.generation_id)


async def test_m039_every_kind_of_action_is_carried_out(desk):
    asked = [
        Action(event="create_note", payload={"text": "a note"}),
        Action(event="pin_memory", payload={"type": "fact", "key": "cat", "value": {"name": "Mia"}}),
        Action(event="create_event", payload={"title": "Call", "start": "2026-01-31T09:00:00Z", "end": "2026-01-31T10:00:00Z"}),
    ]
    await completed(desk, ASKING, actions=asked)
    assert await titles(desk) == ["Buy milk"]
    assert [note.text for note in (await desk.ask(LIST_NOTES, ListNotes(user="ana"))).notes] == ["a note"]
    assert (await desk.ask(LIST_MEMORIES, ListMemories(user="ana"))).pinned_memories[0].value == {"name": "Mia"}
    assert [event.title for event in (await desk.ask(LIST_EVENTS, ListEvents(user="ana"))).events] == ["Call"]


async def test_m034_a_task_is_completed_by_its_id_and_only_ones_own(desk):
    mine = await desk.ask(CREATE_TASK, CreateTask(user="ana", title="mine"))
    foreign = await desk.ask(CREATE_TASK, CreateTask(user="ben", title="foreign"))
    asked = [Action(event="complete_task", payload={"taskId": task.id}) for task in (mine, foreign)]
    await completed(desk, "done", actions=asked)
    assert (await desk.ask(LIST_TASKS, ListTasks(user="ana"))).tasks[0].status == "completed"
    assert (await desk.ask(LIST_TASKS, ListTasks(user="ben"))).tasks[0].status == "open"


async def test_a_refused_action_is_skipped_and_the_answer_is_completed_with_the_others(new_desk):
    async with new_desk(open_tasks=1) as desk:
        asked = [Action(event="create_task", payload={"title": title}) for title in ("one", "two")]
        bad = Action(event="create_task", payload={"title": ""})
        await completed(desk, "done", actions=[*asked, bad, Action(event="create_note", payload={"text": "n"})])
        event = next(event for event in desk.post.events() if event.type_name == "message.completed")
        assert [action.event for action in event.message.actions] == ["create_task", "create_note"]
        assert await titles(desk) == ["one"]


async def test_f3_finishing_again_carries_nothing_out_twice(desk):
    accepted = await completed(desk, ASKING)
    await desk.finish(accepted.generation_id, text=ASKING)
    assert await titles(desk) == ["Buy milk"]


async def test_a_failed_answer_and_one_of_a_temporary_conversation_create_nothing(desk):
    first = await desk.send()
    await desk.claim(first.generation_id)
    await desk.finish(first.generation_id, outcome="failed", text=ASKING)
    second = await desk.send(temporary=True)
    await desk.claim(second.generation_id)
    await desk.finish(second.generation_id, text=ASKING)
    assert await titles(desk) == []


async def test_tool_calls_are_stored_with_the_message(desk):
    calls = [{"id": "call_1", "name": "weather", "arguments": {"where": "Oslo"}}]
    accepted = await completed(desk, "done", tool_calls=calls)
    shown = (await desk.ask(LIST_MESSAGES, ListMessages(user="ana", conversation_id=accepted.conversation_id))).messages[-1]
    assert shown.tool_calls == calls


async def test_m039_an_output_made_elsewhere_is_stored_with_tasks_and_summary_and_told(desk):
    text = json.dumps({"tasks": ["a", {"title": "b"}], "notes": ["n"], "summary": "In short."})
    usage = Usage(total_tokens=7)
    question = StoreOutput(user="ana", asked_by="planner", text=text, model="m", usage=usage, operation_id="o1")
    stored = await desk.ask(STORE_OUTPUT, question)
    assert [task.title for task in stored.tasks] == ["a", "b"]
    assert [note.text for note in stored.notes] == ["n"]
    assert (stored.message.status, stored.message.text, stored.message.usage, stored.refused) == ("completed", text, usage, [])
    assert await desk.ask(STORE_OUTPUT, question) == stored
    await desk.until_sent()
    told = [event.type_name for event in desk.post.events()]
    assert (told.count("message.created"), told.count("message.completed"), told.count("action.created")) == (1, 1, 3)
    assert await desk.rows("SELECT summary, summary_until FROM conversations") == [("In short.", stored.message.id)]
    assert (await desk.rows("SELECT action, asked_by, number FROM audit")) == [("output.stored", "planner", 1)]


async def test_an_output_follows_the_conversations_head_and_is_part_of_the_next_prompt(desk):
    accepted = await completed(desk, "first")
    question = StoreOutput(user="ana", asked_by="planner", text="second", conversation_id=accepted.conversation_id)
    stored = await desk.ask(STORE_OUTPUT, question)
    assert stored.message.parent_id == accepted.answer_id
    again = await desk.send("and?", conversation_id=accepted.conversation_id)
    assert [message.text for message in (await desk.claim(again.generation_id)).messages] == [
        "hello",
        "first",
        "second",
        "and?",
    ]


async def test_s4_an_output_is_stored_in_ones_own_conversations_only_and_a_key_is_of_one_output(desk):
    accepted = await completed(desk, "first")
    with pytest.raises(UnknownConversation):
        await desk.ask(STORE_OUTPUT, StoreOutput(user="ben", asked_by="x", text="y", conversation_id=accepted.conversation_id))
    await desk.ask(STORE_OUTPUT, StoreOutput(user="ana", asked_by="x", text="y", operation_id="o"))
    with pytest.raises(IdempotencyMismatch):
        await desk.ask(STORE_OUTPUT, StoreOutput(user="ana", asked_by="x", text="z", operation_id="o"))
