"""A state as a client keeps it up to date: by the events of its feed, or by asking what has changed. This is what `docs` tell
clients to do."""

from shared.contract import events
from shared.contract.tools import Approval

NOTE_LENGTH = 1024
"""So much of a note is in the state; events have more."""

OBJECTS = {
    "task": ("tasks", "task"),
    "note": ("notes", "note"),
    "memory": ("pinned_memories", "memory"),
    "calendar": ("calendar", "calendar_event"),
    "persona": ("personas", "persona"),
    "travel": ("trips", "trip"),
}
"""Of each kind of event the list in the state, and the object in the event."""


class Folded:
    def __init__(self, state):
        self.version = state.version
        self.conversations = {conversation.id: conversation for conversation in state.conversations}
        self.messages = {message.id: message for message in state.messages}
        self.objects = {name: {one.id: one for one in getattr(state, name)} for name, _ in OBJECTS.values()}
        self.approvals = {approval.id: approval for approval in state.approvals}
        self.plan = dict(state.plan)
        self.preferences = dict(state.preferences or {})

    def __eq__(self, other):
        return vars(self) == vars(other)

    __hash__ = None

    def catch_up(self, state):
        """`state` is the answer to `since` this one."""
        if state.since is None:
            self.__init__(state)
            return
        self.version = state.version
        self.approvals = {approval.id: approval for approval in state.approvals}
        for conversation_id in state.removed.conversations:
            self.forget(conversation_id)
        self.conversations |= {conversation.id: conversation for conversation in state.conversations}
        self.messages |= {message.id: message for message in state.messages}
        for name, known in self.objects.items():
            for gone in getattr(state.removed, name) or ():
                known.pop(gone, None)
            known |= {one.id: one for one in getattr(state, name)}
        for day in state.removed.plan or ():
            self.plan.pop(day, None)
        self.plan |= state.plan
        self.preferences = self.preferences if state.preferences is None else dict(state.preferences)

    def fold(self, event):
        match event:
            case events.StateUpdated():
                self.version = event.version
            case events.PlanUpdated():
                self.plan[event.plan.date] = event.plan.wire()
            case events.PreferencesUpdated():
                self.preferences = dict(event.preferences)
            case events.ConversationEvent():
                self.fold_conversation(event)
            case _:
                self.fold_object(event)

    def fold_object(self, event):
        kind, _, verb = event.type_name.partition(".")
        if kind not in OBJECTS:
            return
        name, field = OBJECTS[kind]
        one = getattr(event, field)
        if verb == "deleted":
            self.objects[name].pop(one.id, None)
        elif kind == "note" and len(one.text) > NOTE_LENGTH:
            self.objects[name][one.id] = one.model_copy(update={"text": one.text[:NOTE_LENGTH], "truncated": True})
        else:
            self.objects[name][one.id] = one

    def fold_conversation(self, event):
        match event:
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
            case events.ToolApproval() if event.conversation_id in self.conversations:
                self.ask(event)
            case _:
                pass

    def ask(self, event):
        self.approvals.pop(event.approval_id, None)
        if event.status == "waiting":
            about = event.model_dump(include=Approval.model_fields.keys() - {"id"})
            self.approvals[event.approval_id] = Approval(**about, id=event.approval_id, created_at=event.at)

    def show(self, conversation):
        if conversation.temporary:
            self.forget(conversation.id)
        else:
            self.conversations[conversation.id] = conversation

    def forget(self, conversation_id):
        self.conversations.pop(conversation_id, None)
        self.messages = {m.id: m for m in self.messages.values() if m.conversation_id != conversation_id}
        self.approvals = {a.id: a for a in self.approvals.values() if a.conversation_id != conversation_id}

    def change(self, conversation_id, **changes):
        self.conversations[conversation_id] = self.conversations[conversation_id].model_copy(update=changes)
