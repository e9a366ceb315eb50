"""The fold law: an old state and the events since then give the fresh state, for every kind of event there is."""

import asyncio
import tempfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.adapters.remembered_post import Posted, RememberedPost
from shared.contract import events
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
from shared.contract.state import GET_STATE, GetState
from shared.contract.subjects import token_log
from shared.errors import Refused, TooMany

USER = "ana"


class Folded:
    """A state as a client keeps it. This is what `docs` tell clients to do."""

    def __init__(self, state):
        self.version = state.version
        self.conversations = {conversation.id: conversation for conversation in state.conversations}
        self.messages = {message.id: message for message in state.messages}

    def __eq__(self, other):
        return vars(self) == vars(other)

    __hash__ = None

    def fold(self, event):
        match event:
            case events.StateUpdated():
                self.version = event.version
            case events.ConversationCreated() | events.ConversationUpdated():
                self.show(event.conversation)
            case events.ConversationDeleted():
                self.forget(event.conversation_id)
            case events.MessageCreated() if event.conversation_id in self.conversations:
                self.messages[event.message.id] = event.message
                self.change(event.conversation_id, head_id=event.message.id, updated_at=event.at)
            case events.GenerationStarted() if event.message_id in self.messages:
                message = self.messages[event.message_id]
                self.messages[message.id] = message.model_copy(update={"status": "streaming"})
                self.change(event.conversation_id, running_generation_id=event.generation_id)
            case events.GenerationEnded() if event.message_id in self.messages:
                self.messages[event.message_id] = event.message
                if self.conversations[event.conversation_id].running_generation_id == event.generation_id:
                    self.change(event.conversation_id, running_generation_id=None)
            case _:
                pass

    def show(self, conversation):
        if conversation.temporary:
            self.forget(conversation.id)
        else:
            self.conversations[conversation.id] = conversation

    def forget(self, conversation_id):
        self.conversations.pop(conversation_id, None)
        self.messages = {m.id: m for m in self.messages.values() if m.conversation_id != conversation_id}

    def change(self, conversation_id, **changes):
        self.conversations[conversation_id] = self.conversations[conversation_id].model_copy(update=changes)


class World:
    """One user, who does what the test draws; and the workers, who tell of what they begin."""

    def __init__(self, desk):
        self.desk = desk
        self.accepted = []
        self.conversations = []
        self.claimed = {}

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

    async def time(self, a, b):
        self.desk.clock.pass_by((1, 7, 4000)[b % 3])
        await self.desk.sweep()

    async def state(self):
        return Folded(await self.desk.ask(GET_STATE, GetState(user=USER, limit=500)))


DEEDS = [name for name in vars(World) if name not in ("do", "pick", "take", "started", "state") and not name.startswith("_")]
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
    ("update", 0, 1),
    ("begin", 0, 0),
    ("toggle", 3, 1),
    ("toggle", 3, 0),
    ("edit", 0, 0),
    ("regenerate", 0, 0),
    ("delete", 0, 0),
]


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(deeds=DRAWN)
def test_any_old_state_and_the_events_since_give_the_fresh_state(new_desk, deeds):
    asyncio.run(fold_all(new_desk, deeds))


def test_the_law_holds_for_every_kind_of_event_of_a_conversation(new_desk):
    told = asyncio.run(fold_all(new_desk, EVERYTHING))
    in_the_token_log = {"llm.token", "llm.reasoning", "tool.started"}
    of_conversations = ("message.", "queue.", "generation.", "conversation.", "state.")
    assert told == {name for name in events.EVENTS if name.startswith(of_conversations)} - in_the_token_log


async def fold_all(new_desk, deeds):
    """Does these deeds, then folds every state there was in between up to the last one. Returns the kinds of events."""
    with tempfile.TemporaryDirectory() as folder:
        async with new_desk(RememberedPost(), database_url=f"sqlite:///{folder}/m.db") as desk:
            world = World(desk)
            olds = []
            for name, a, b in deeds:
                olds.append((await world.state(), len(desk.post.events())))
                await world.do(name, a, b)
            fresh = await world.state()
            happened = desk.post.events()
            for old, seen in olds:
                for event in happened[seen:]:
                    old.fold(event)
                assert old == fresh
            return {event.type_name for event in happened}
