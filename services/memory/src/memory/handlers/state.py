"""The state of a user as a whole."""

from datetime import timedelta

from memory.clock import micros
from memory.handlers.reading import Snapshot
from memory.message import fitting
from memory.paging import bounded
from memory.records import conversations, messages, presence, users
from shared.contract.state import GetState, State

STATE_CONVERSATIONS = 200
STATE_SESSIONS = 100
REPORT_AGE = timedelta(seconds=30)
"""A gateway that has been silent for longer is gone, and its sessions with it: it reports every 10 s."""


def get_state(view: Snapshot, question: GetState) -> State:
    """Everything of a user that is shown at once."""
    limit = bounded(question.limit)
    newest = messages.newest(view.connection, question.user, limit)
    listed = conversations.page(view.connection, question.user, None, STATE_CONVERSATIONS)
    since = micros(view.at - REPORT_AGE)
    return State(
        user_id=question.user,
        version=users.version_of(view.connection, question.user),
        conversations=[conversation for conversation, _ in listed],
        messages=fitting(newest, limit, view.limits.page_bytes),
        active_sessions=presence.active(view.connection, question.user, since, STATE_SESSIONS),
        last_snapshot_ts=view.at,
    )
