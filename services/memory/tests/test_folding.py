"""The fold law: an old state and the events since then give the fresh state, for every kind of event there is. So does an old
state and what has changed since.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.folded_state import Folded

from memory.adapters.remembered_post import Posted, RememberedPost
from shared.contract import acting, events
from shared.contract import state as calls
from shared.contract.acting import PlannedCall
from shared.contract.memory import (
    ABANDON_GENERATION,
    CLEAR_HISTORY,
    CREATE_CONVERSATION,
    DELETE_CONVERSATION,
    EDIT_MESSAGE,
    REGENERATE,
    RELEASE_GENERATION,
    STOP_GENERATION,
    UPDATE_CONVERSATION,
    AbandonGeneration,
    ClearHistory,
    CreateConversation,
    DeleteConversation,
    EditMessage,
    Regenerate,
    ReleaseGeneration,
    StopGeneration,
    UpdateConversation,
)
from shared.contract.objects import Problem, PromptMessage, Usage
from shared.contract.person import Action
from shared.contract.state import GET_STATE, GetState
from shared.contract.subjects import token_log
from shared.errors import Refused, TooMany

USER = "ana"
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
PLACES = ("Paris", "Rome", "Room 4")


class World:
    """One user, who does what the test draws; and the workers, who tell of what they begin."""

    def __init__(self, desk):
        self.desk = desk
        self.accepted = []
        self.conversations = []
        self.claimed = {}
        self.made = {}

    def pick(self, items, number):
        return items[number % len(items)] if items else None

    async def do(self, name, a, b):
        with suppress(Refused, TooMany):
            await getattr(self, name)(a, b)
        await self.desk.until_sent()

    async def send(self, a, b):
        where = self.pick([None, *self.conversations], a)
        await self.take(self.desk.send(f"{a}", conversation_id=where, if_busy=("queue", "interrupt")[b % 2]))

    async def begin(self, a, b):
        history = [PromptMessage(role="user", text="h"), PromptMessage(role="assistant", text="i")]
        await self.take(self.desk.send(f"{a}", temporary=b % 2 == 0, history=history[: a % 3]))

    async def take(self, sending):
        accepted = await sending
        self.accepted.append(accepted)
        self.conversations.append(accepted.conversation_id)

    async def claim(self, a, b):
        for accepted in self.accepted:
            claim = await self.desk.claim(accepted.generation_id)
            if claim.decision == "run":
                self.claimed[accepted.generation_id] = claim
                self.started(accepted.generation_id, claim)

    def started(self, generation_id, claim):
        kind = events.GenerationStarted if claim.epoch == 1 else events.GenerationRestarted
        event = kind(
            id=f"e_{generation_id}_{claim.epoch}",
            at=self.desk.clock.now(),
            conversation_id=claim.conversation_id,
            generation_id=generation_id,
            message_id=claim.answer_id,
            attempt=claim.epoch,
            model="m",
        )
        subject = token_log(USER, claim.conversation_id, generation_id)
        self.desk.post.stored.append(Posted(subject, event.type_name, event.encode(), event.id))

    async def finish(self, a, b):
        generation_id = self.pick(list(self.claimed), a)
        if generation_id is not None:
            epoch = self.claimed.pop(generation_id).epoch
            outcome = ("completed", "failed", "cancelled")[b % 3]
            usage = Usage(total_tokens=b)
            await self.desk.finish(generation_id, epoch, outcome, f"text {a}", model="m", usage=usage)

    async def release(self, a, b):
        generation_id = self.pick(list(self.claimed), a)
        if generation_id is not None:
            epoch = self.claimed.pop(generation_id).epoch
            await self.desk.ask(RELEASE_GENERATION, ReleaseGeneration(generation_id=generation_id, epoch=epoch))

    async def ask(self, a, b):
        generation_id = self.pick(list(self.claimed), a)
        if generation_id is not None:
            about = {"generation_id": generation_id, "user": USER, "epoch": self.claimed[generation_id].epoch}
            number = len(self.claimed[generation_id].rounds)
            calls = [PlannedCall(id=f"c{number}", name="x", arguments={"a": a}, policy=("ask", "auto")[b % 4 // 3])]
            await self.desk.ask(acting.KEEP_ROUND, acting.KeepRound(**about, number=number, text=f"{a}", calls=calls))
            action = Action(event="create_task", payload={"title": f"{a}"})
            await self.desk.ask(acting.CARRY_OUT, acting.CarryOut(**about, call_id=f"c{number}", action=action))
            await self.desk.ask(acting.SUSPEND_GENERATION, acting.SuspendGeneration(**about))
            del self.claimed[generation_id]

    async def decide(self, a, b):
        waiting = (await self.desk.ask(acting.LIST_APPROVALS, acting.ListApprovals(user=USER))).approvals
        if approval := self.pick(waiting, a):
            about = {"approval_id": approval.id, "arguments_hash": approval.arguments_hash}
            decision = ("approve", "reject")[b % 2]
            await self.desk.ask(acting.DECIDE_APPROVAL, acting.DecideApproval(user=USER, decision=decision, **about))

    async def abandon(self, a, b):
        if accepted := self.pick(self.accepted, a):
            error = Problem(code="x", message="y")
            await self.desk.ask(ABANDON_GENERATION, AbandonGeneration(generation_id=accepted.generation_id, error=error))

    async def stop(self, a, b):
        if accepted := self.pick(self.accepted, a):
            which = accepted.generation_id if b % 2 else None
            question = StopGeneration(user=USER, conversation_id=accepted.conversation_id, generation_id=which)
            await self.desk.ask(STOP_GENERATION, question)

    async def regenerate(self, a, b):
        if accepted := self.pick(self.accepted, a):
            question = Regenerate(user=USER, conversation_id=accepted.conversation_id, message_id=accepted.answer_id)
            await self.take(self.desk.ask(REGENERATE, question))

    async def edit(self, a, b):
        if accepted := self.pick(self.accepted, a):
            question = EditMessage(user=USER, message_id=accepted.message_id, text=f"edited {b}")
            await self.take(self.desk.ask(EDIT_MESSAGE, question))

    async def create(self, a, b):
        question = CreateConversation(user=USER, title=f"{a}", temporary=b % 2 == 0)
        self.conversations.append((await self.desk.ask(CREATE_CONVERSATION, question)).id)

    async def update(self, a, b):
        if accepted := self.pick(self.accepted, a):
            head = accepted.answer_id if b % 3 == 0 else None
            question = UpdateConversation(user=USER, conversation_id=accepted.conversation_id, title=f"{b}", head_id=head)
            await self.desk.ask(UPDATE_CONVERSATION, question)

    async def toggle(self, a, b):
        if where := self.pick(self.conversations, a):
            question = UpdateConversation(user=USER, conversation_id=where, temporary=b % 2 == 0)
            await self.desk.ask(UPDATE_CONVERSATION, question)

    async def delete(self, a, b):
        if where := self.pick(self.conversations, a):
            await self.desk.ask(DELETE_CONVERSATION, DeleteConversation(user=USER, conversation_id=where))

    async def clear(self, a, b):
        if a % 5 == 0:
            await self.desk.ask(CLEAR_HISTORY, ClearHistory(user=USER))

    async def change(self, name, /, **fields):
        call = getattr(calls, name.upper())
        return await self.desk.ask(call, call.question(user=USER, **fields))

    async def make(self, name, /, **fields):
        made = await self.change(name, **fields)
        self.made.setdefault(name, []).append(getattr(made, "event", made).id)

    def one(self, name, number):
        return self.pick(self.made.get(name, ["unknown"]), number)

    async def task(self, a, b):
        await self.make("create_task", title=f"{a}", tags=["x"] * (b % 3))

    async def retask(self, a, b):
        status = ("open", "completed", None)[b % 3]
        await self.change("update_task", task_id=self.one("create_task", a), title=f"{b}", status=status)

    async def untask(self, a, b):
        await self.change(("delete_task", "complete_task")[b % 2], task_id=self.one("create_task", a))

    async def note(self, a, b):
        await self.make("create_note", text="ä" * (a * 100), title=f"{b}")

    async def renote(self, a, b):
        await self.change("update_note", note_id=self.one("create_note", a), text="b" * (b * 1500))

    async def unnote(self, a, b):
        await self.change("delete_note", note_id=self.one("create_note", a))

    async def pin(self, a, b):
        await self.make("pin_memory", type="fact", key=f"{a % 3}", value=[b % 3, None])

    async def unpin(self, a, b):
        await self.change("unpin_memory", memory_id=self.one("pin_memory", a))

    async def prefer(self, a, b):
        home = {"home": PLACES[b % 3]}
        await self.change("change_preferences", preferences={f"k{a % 3}": b} | home, remove=[f"k{b % 3}"] * (a % 2))

    async def plan(self, a, b):
        await self.change("put_plan", date=f"2026-01-{a % 3 + 1:02}", todos=[f"{b % 3}"])

    async def meet(self, a, b):
        known = {"event_id": self.one("keep_event", a)} if a % 2 and self.made.get("keep_event") else {}
        end = FUTURE + timedelta(hours=b)
        await self.make("keep_event", title=f"{a}", start=FUTURE, end=end, location=PLACES[b % 3], **known)

    async def cancel(self, a, b):
        await self.change("delete_event", event_id=self.one("keep_event", a))

    async def persona(self, a, b):
        known = {"persona_id": self.one("keep_persona", a)} if a % 2 and self.made.get("keep_persona") else {}
        await self.make("keep_persona", name=f"{a}", system_prompt=f"{b}", **known)

    async def unpersona(self, a, b):
        await self.change("delete_persona", persona_id=self.one("keep_persona", a))

    async def set_back(self, a, b):
        self.desk.clock.jump -= 600 * b

    async def time(self, a, b):
        self.desk.clock.pass_by((1, 7, 4000)[b % 3])
        await self.desk.sweep()

    async def state(self, since=None):
        return await self.desk.ask(GET_STATE, GetState(user=USER, limit=500, since=since))


MEANS = ("do", "pick", "take", "started", "state", "change", "make", "one")
DEEDS = [name for name in vars(World) if name not in MEANS and not name.startswith("_")]
# Talking comes more often than tidying up, or there would be nothing to fold.
OFTEN = [*DEEDS, *["send", "begin", "claim", "claim", "finish"] * 2]
DRAWN = st.lists(st.tuples(st.sampled_from(OFTEN), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=30)

EVERYTHING = [
    ("begin", 1, 1),
    ("claim", 0, 0),
    ("time", 0, 1),
    ("claim", 0, 0),
    ("finish", 0, 1),
    ("send", 1, 0),
    ("send", 1, 0),
    ("claim", 0, 0),
    ("finish", 0, 0),
    ("stop", 2, 0),
    ("begin", 3, 1),
    ("claim", 0, 0),
    ("ask", 5, 0),
    ("decide", 0, 0),
    ("claim", 0, 0),
    ("ask", 5, 3),
    ("update", 0, 1),
    ("begin", 0, 0),
    ("toggle", 3, 1),
    ("toggle", 3, 0),
    ("edit", 0, 0),
    ("regenerate", 0, 0),
    ("delete", 0, 0),
    ("task", 0, 1),
    ("retask", 0, 1),
    ("note", 20, 0),
    ("renote", 0, 1),
    ("unnote", 0, 0),
    ("pin", 0, 0),
    ("pin", 0, 1),
    ("unpin", 0, 0),
    ("prefer", 0, 2),
    ("plan", 0, 0),
    ("meet", 0, 0),
    ("meet", 1, 1),
    ("cancel", 0, 0),
    ("persona", 0, 0),
    ("persona", 1, 1),
    ("unpersona", 0, 0),
    ("untask", 0, 0),
]


def any_deeds(count):
    """For a test of `count` lists of deeds."""
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    drawn = settings(max_examples=count, deadline=None, suppress_health_check=quiet)
    return lambda test: pytest.mark.slow(drawn(given(deeds=DRAWN)(test)))


@pytest.mark.sqlite
@any_deeds(40)
def test_any_old_state_and_the_events_since_give_the_fresh_state(new_desk, new_database, deeds):
    asyncio.run(fold_all(new_desk, new_database, deeds))


@pytest.mark.postgresql
@any_deeds(8)
def test_any_old_state_and_the_events_since_give_the_fresh_state_on_postgresql(new_desk, new_database, deeds):
    asyncio.run(fold_all(new_desk, new_database, deeds))


def test_the_law_holds_for_every_kind_of_event(new_desk, new_database):
    told = asyncio.run(fold_all(new_desk, new_database, EVERYTHING))
    in_the_token_log = {"llm.token", "llm.reasoning", "llm.action", "tool.started", "tool.finished"}
    of_others = {name for name in events.EVENTS if name.startswith(("workflow.", "travel.", "transcript."))}
    assert told == events.EVENTS.keys() - in_the_token_log - of_others


async def fold_all(new_desk, new_database, deeds):
    """Does these deeds, then folds every state there was in between up to the last one. Returns the kinds of events."""
    async with new_database() as url, new_desk(RememberedPost(), database_url=url) as desk:
        world = World(desk)
        olds = []
        for name, a, b in deeds:
            olds.append((await world.state(), len(desk.post.events())))
            await world.do(name, a, b)
        fresh = Folded(await world.state())
        happened = desk.post.events()
        for old, seen in olds:
            folded = Folded(old)
            for event in happened[seen:]:
                folded.fold(event)
            assert folded == fresh
            await catch_up(world, old, fresh)
        return {event.type_name for event in happened}


async def catch_up(world, old, fresh):
    """Asking what has changed since gives the same, by the version and by its moment."""
    for since in {str(old.version), old.last_snapshot_ts.isoformat() if old.version else "0"}:
        caught_up = Folded(old)
        caught_up.catch_up(await world.state(since))
        assert caught_up == fresh
