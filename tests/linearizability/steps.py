"""What each operation does to the model and is answered with. The same state object: it changed nothing."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from linearizability.history import Ok, Op, Refused
from linearizability.model import OPEN_AT_ONCE, Answering, Conversation, State, Task

Step = tuple[State, Ok | Refused]
Args = dict[str, Any]

NO_CONVERSATION = Refused("unknown_conversation")
NO_MESSAGE = Refused("unknown_message")
NO_GENERATION = Refused("unknown_generation")
BUSY = Refused("conversation_busy")
TOO_MANY = Refused("rate_limited")
LOST = Refused("lost_lease")
NO_TASK = Refused("unknown_task")


def send(state: State, args: Args) -> Step:
    """Appends a message and queues its answer."""
    conversation = state.conversation(args["conversation"])
    if conversation is None:
        return state, NO_CONVERSATION
    here = state.waiting(conversation.name)
    if here and args["if_busy"] == "reject":
        return state, BUSY
    cancel = [one for one in here if not one.epoch] if args["if_busy"] == "interrupt" else []
    if len(state.open) - len(cancel) >= OPEN_AT_ONCE:
        return state, TOO_MANY
    after = state
    if args["if_busy"] == "interrupt":
        after = _stopped(state, here)
    after = after.asked(conversation, args["key"], conversation.head, args["text"])
    return after, _accepted(args["key"], len(here) - len(cancel))


def _accepted(key: str, place: int) -> Ok:
    return Ok((place, key, key + "!"))


def _stopped(state: State, targets: Sequence[Answering]) -> State:
    """Nobody has begun it: it is over. Somebody has: he is asked to end it."""
    for one in targets:
        if not one.epoch:
            state = state.over(one, "", "cancelled")
    return state.marked([one for one in targets if one.epoch])


def edit(state: State, args: Args) -> Step:
    """Puts a changed message beside an old one and queues its answer."""
    old = state.row(args["message"])
    conversation = state.conversation(old.conversation) if old else None
    if old is None or conversation is None:
        return state, NO_MESSAGE
    if len(state.open) >= OPEN_AT_ONCE:
        return state, TOO_MANY
    place = len(state.waiting(conversation.name))
    return state.asked(conversation, args["key"], old.parent, args["text"]), _accepted(args["key"], place)


def stop(state: State, args: Args) -> Step:
    """Stops one generation, or all of the conversation."""
    if state.conversation(args["conversation"]) is None:
        return state, NO_CONVERSATION
    wanted = args["generation"]
    if wanted is not None and state.row(wanted) is None:
        return state, NO_GENERATION
    targets = [one for one in state.waiting(args["conversation"]) if wanted in (None, one.name)]
    after = _stopped(state, targets)
    if any(not one.epoch for one in targets):
        after = after._replace(version=state.version + 1)
    return after, Ok(tuple(one.name for one in targets))


def claim(state: State, args: Args) -> Step:
    """A worker asks for a generation. Leases do not run out here."""
    mine = next((one for one in state.open if one.name == args["generation"]), None)
    if mine is None:
        return state, Ok(("done", 0, False))
    if mine.running or state.waiting(mine.conversation)[0] is not mine:
        return state, Ok(("wait", 0, False))
    begun = mine._replace(epoch=mine.epoch + 1, running=True)
    after = state._replace(open=tuple(begun if one is mine else one for one in state.open))
    return after.filled(mine.name, "", "streaming"), Ok(("run", begun.epoch, mine.stopped))


def finish(state: State, args: Args) -> Step:
    """A worker ends a generation."""
    name, epoch, outcome = args["generation"], args["epoch"], args["outcome"]
    if any((one.name, one.epoch, one.outcome) == (name, epoch, outcome) for one in state.ended):
        return state, Ok(outcome)
    mine = next((one for one in state.open if one.name == name), None)
    if mine is None or not mine.running or mine.epoch != epoch:
        return state, LOST
    return state.over(mine, args["text"], outcome)._replace(version=state.version + 1), Ok(outcome)


def delete(state: State, args: Args) -> Step:
    """Deletes a conversation with all that was said in it."""
    name = args["conversation"]
    if state.conversation(name) is None:
        return state, NO_CONVERSATION
    after = State(
        state.version + 1,
        tuple(one for one in state.conversations if one.name != name),
        tuple(row for row in state.rows if row.conversation != name),
        tuple(one for one in state.open if one.conversation != name),
        frozenset(one for one in state.ended if one.conversation != name),
        state.tasks,
    )
    return after, Ok((name,))


def rename(state: State, args: Args) -> Step:
    """Gives a conversation another title."""
    conversation = state.conversation(args["conversation"])
    if conversation is None:
        return state, NO_CONVERSATION
    return state.changed(conversation._replace(title=args["title"])), Ok(args["title"])


def get(state: State, args: Args) -> Step:
    """Looks at a conversation."""
    conversation = state.conversation(args["conversation"])
    if conversation is None:
        return state, NO_CONVERSATION
    begun = next((one.name for one in state.waiting(conversation.name) if one.epoch), None)
    return state, Ok((conversation.title, conversation.head, begun))


def tree(state: State, args: Args) -> Step:
    """Lists every message of a conversation."""
    if state.conversation(args["conversation"]) is None:
        return state, NO_CONVERSATION
    return state, Ok(tuple(row.shown for row in state.rows if row.conversation == args["conversation"]))


def branch(state: State, args: Args) -> Step:
    """Lists the messages of the branch that is shown."""
    conversation = state.conversation(args["conversation"])
    if conversation is None:
        return state, NO_CONVERSATION
    by_name = {row.name: row for row in state.rows}
    shown: list[Hashable] = []
    at = conversation.head
    while at is not None:
        shown.append(by_name[at].shown)
        at = by_name[at].parent
    return state, Ok(tuple(reversed(shown)))


def snapshot(state: State, args: Args) -> Step:
    """Looks at everything at once."""
    named = tuple(map(tuple, reversed(state.conversations)))
    return state, Ok((state.version, named, tuple(row.shown for row in state.rows[-args["limit"] :])))


def create_task(state: State, args: Args) -> Step:
    """Makes an open task."""
    task = Task(args["key"], args["title"])
    return state._replace(version=state.version + 1, tasks=(*state.tasks, task)), Ok(tuple(task))


def complete_task(state: State, args: Args) -> Step:
    """Completes a task. One that is done stays as it is."""
    old = next((one for one in state.tasks if one.name == args["task"]), None)
    if old is None:
        return state, NO_TASK
    if old.status == "completed":
        return state, Ok(tuple(old))
    new = old._replace(status="completed")
    tasks = tuple(new if one is old else one for one in state.tasks)
    return state._replace(version=state.version + 1, tasks=tasks), Ok(tuple(new))


def delete_task(state: State, args: Args) -> Step:
    """Deletes a task. Answered with what it was."""
    old = next((one for one in state.tasks if one.name == args["task"]), None)
    if old is None:
        return state, NO_TASK
    tasks = tuple(one for one in state.tasks if one is not old)
    return state._replace(version=state.version + 1, tasks=tasks), Ok(tuple(old))


def list_tasks(state: State, _: Args) -> Step:
    """Looks at all tasks. Their order is that of their ids, which nobody promises to be exact."""
    return state, Ok(tuple(sorted(map(tuple, state.tasks))))


STEPS: dict[str, Callable[[State, Args], Step]] = {
    "send": send,
    "edit": edit,
    "stop": stop,
    "claim": claim,
    "finish": finish,
    "delete": delete,
    "rename": rename,
    "get": get,
    "tree": tree,
    "branch": branch,
    "snapshot": snapshot,
    "create_task": create_task,
    "complete_task": complete_task,
    "delete_task": delete_task,
    "list_tasks": list_tasks,
}

TASKS = {"create_task", "complete_task", "delete_task", "list_tasks"}
WHOLE = {"snapshot", *TASKS}
"""Operations that are not of one conversation."""


def beginning(conversations: Sequence[str], version: int) -> State:
    """The user's state before the history: these empty conversations, made one after the other, without titles."""
    return State(version, tuple(map(Conversation, conversations)))


def too_late(state: State, op: Op) -> bool:
    """Whether this operation can't be explained any more, whatever comes: what it saw is past."""
    if not isinstance(op.outcome, Ok):
        return False
    seen: Any = op.outcome.value
    if op.kind == "snapshot":
        return state.version > seen[0]
    if op.kind == "tree" and state.conversation(op.args["conversation"]) is not None:
        return sum(row.conversation == op.args["conversation"] for row in state.rows) > len(seen)
    return op.kind in ("tree", "get", "branch", "rename") and state.conversation(op.args["conversation"]) is None


def conversation_of(op: Op, state_of: dict[str, str]) -> str | None:
    """The conversation that an operation is about; `state_of` says where each key was written."""
    if "conversation" in op.args:
        return op.args["conversation"]
    return state_of.get(op.args.get("message") or op.args.get("generation") or "")
