"""What is old is kept smaller, or goes; nobody sees a difference but in size, and those who would miss something are told."""

from memory.indexer import Indexer
from memory.retention import Retention
from shared.contract.knowledge import SEARCH, Search
from shared.contract.memory import EDIT_MESSAGE, LIST_MESSAGES, EditMessage, ListMessages
from shared.contract.state import (
    COMPLETE_TASK,
    CREATE_TASK,
    DELETE_TASK,
    GET_PLAN,
    GET_STATE,
    KEEP_EVENT,
    LIST_EVENTS,
    LIST_TASKS,
    PUT_PLAN,
    CompleteTask,
    CreateTask,
    DeleteTask,
    GetPlan,
    GetState,
    KeepEvent,
    ListEvents,
    ListTasks,
    PutPlan,
)

DAY = 24 * 3600


def retention(desk):
    return Retention(desk.ledger, desk.settings, desk.clock.clock)


async def talk(desk, turns, length=600):
    """A conversation of so many turns, each text with a word of its own."""
    conversation = None
    for turn in range(turns):
        accepted = await desk.send(f"question{turn} " + "is long and winds on " * (length // 20), conversation_id=conversation)
        conversation = accepted.conversation_id
        await desk.answer(accepted.generation_id, f"answer{turn} " + "is long and winds on too " * (length // 25))
    return conversation


async def packed(desk):
    return [seq for (seq,) in await desk.rows("SELECT seq FROM messages WHERE packed IS NOT NULL ORDER BY seq")]


async def test_m030_what_is_older_than_the_hot_messages_is_packed_and_reads_the_same(new_desk):
    async with new_desk(hot_messages=4) as desk:
        conversation = await talk(desk, 6)
        question = ListMessages(user="ana", conversation_id=conversation, limit=100)
        before = await desk.ask(LIST_MESSAGES, question)
        await retention(desk).step()
        assert len(await packed(desk)) == 12 - 4
        assert await desk.ask(LIST_MESSAGES, question) == before
        await retention(desk).step()
        assert len(await packed(desk)) == 12 - 4


async def test_m030_archived_messages_are_found_edited_and_part_of_the_prompt(new_desk):
    async with new_desk(hot_messages=2) as desk:
        conversation = await talk(desk, 3)
        await Indexer(desk.ledger, desk.ledger.finder).catch_up()
        await retention(desk).step()
        assert len(await packed(desk)) == 4
        (hit,) = (await desk.ask(SEARCH, Search(user="ana", query="question0"))).hits
        assert hit.snippet.startswith("question0 is long")
        accepted = await desk.send("more?", conversation_id=conversation)
        claim = await desk.claim(accepted.generation_id)
        assert [message.text.split()[0] for message in claim.messages][:2] == ["question0", "answer0"]
        await desk.finish(accepted.generation_id)
        edited = await desk.ask(EDIT_MESSAGE, EditMessage(user="ana", message_id=hit.id, text="another"))
        assert edited.conversation_id == conversation


async def test_m030_archived_messages_can_be_indexed_and_taken_out_of_the_index(new_desk):
    async with new_desk(hot_messages=2) as desk:
        await talk(desk, 3)
        await retention(desk).step()
        await Indexer(desk.ledger, desk.ledger.finder).catch_up()
        assert len((await desk.ask(SEARCH, Search(user="ana", query="question0"))).hits) == 1
        await desk.store.write(lambda connection: connection.exec_driver_sql("DELETE FROM messages"))
        await Indexer(desk.ledger, desk.ledger.finder).catch_up()
        assert (await desk.ask(SEARCH, Search(user="ana", query="question0"))).hits == []
        assert await desk.rows("SELECT * FROM search_queue") == []


async def test_m030_short_and_unfinished_messages_stay_as_they_are(new_desk):
    async with new_desk(hot_messages=1) as desk:
        first = await desk.send("short")
        for _ in range(3):
            await desk.send("short too", conversation_id=first.conversation_id)
        await retention(desk).step()
        assert await packed(desk) == []
        await desk.answer(first.generation_id, "an answer that comes late " * 50)
        page = await desk.ask(LIST_MESSAGES, ListMessages(user="ana", conversation_id=first.conversation_id, branch=False))
        assert any(message.text.startswith("an answer that comes late") for message in page.messages)


async def test_m031_completed_tasks_past_plans_and_past_events_go_and_it_is_told(desk):
    task = await desk.ask(CREATE_TASK, CreateTask(user="ana", title="done long ago"))
    await desk.ask(COMPLETE_TASK, CompleteTask(user="ana", task_id=task.id))
    await desk.ask(CREATE_TASK, CreateTask(user="ana", title="still open"))
    now = desk.clock.now()
    await desk.ask(PUT_PLAN, PutPlan(user="ana", date=now.date().isoformat(), todos=["sleep"]))
    await desk.ask(KEEP_EVENT, KeepEvent(user="ana", title="past", start=now, end=now))
    await desk.until_sent()
    desk.clock.pass_by(400 * DAY)
    await retention(desk).prune()
    await desk.until_sent()
    assert [one.title for one in (await desk.ask(LIST_TASKS, ListTasks(user="ana"))).tasks] == ["still open"]
    assert (await desk.ask(GET_PLAN, GetPlan(user="ana", date=now.date().isoformat()))).todos == []
    assert (await desk.ask(LIST_EVENTS, ListEvents(user="ana", start=now))).events == []
    assert {"task.deleted", "plan.updated", "calendar.deleted"} <= {event.type_name for event in desk.post.events()}


async def test_m031_the_log_of_events_is_bounded(desk):
    await desk.send("old")
    desk.clock.pass_by(31 * DAY)
    await desk.send("new")
    await retention(desk).prune()
    oldest = await desk.rows("SELECT min(at) FROM events")
    assert oldest[0][0] > (desk.clock.now().timestamp() - DAY) * 1e6


async def test_m031_who_asks_for_changes_since_what_is_forgotten_gets_everything(desk):
    task = await desk.ask(CREATE_TASK, CreateTask(user="ana", title="gone"))
    await desk.ask(DELETE_TASK, DeleteTask(user="ana", task_id=task.id))
    desk.clock.pass_by(31 * DAY)
    await desk.ask(CREATE_TASK, CreateTask(user="ana", title="here"))
    await retention(desk).prune()
    assert await desk.rows("SELECT * FROM removed") == []
    assert (await desk.ask(GET_STATE, GetState(user="ana", since="1"))).since is None
    assert (await desk.ask(GET_STATE, GetState(user="ana", since="2"))).since == 2


class Watched:
    """A ledger and a store in one, which notes what is written through it: others write too, in the background."""

    def __init__(self, ledger):
        self.store, self.read, self.writes = self, ledger.store.read, []

    async def write(self, *write):
        self.writes.append(write)


async def test_m031_pruning_with_nothing_to_do_writes_nothing(desk):
    await desk.ask(CREATE_TASK, CreateTask(user="ana", title="open"))
    await desk.send("hello")
    watched = Watched(desk.ledger)
    await Retention(watched, desk.settings, desk.clock.clock).step()
    assert watched.writes == []
