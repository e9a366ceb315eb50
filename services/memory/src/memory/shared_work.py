"""Workflows of the operator that name a person among their `users`: what several people have done goes with each of them."""

import json
from typing import Any, cast

from memory.ports import Post
from shared.contract.journal import WorkflowCreated
from shared.contract.subjects import Subject, cargo, journal, journals_of, run, timer, workflow_event
from shared.contract.workflow import OPERATOR

CREATED = WorkflowCreated.model_fields["kind"].default


async def erase_shared_work(streams: Post, user: str) -> int:
    """Erases all that the streams hold of such workflows; answers how many messages. Raises Unavailable.

    One that runs right now comes to its end: without its journal nothing more can be recorded.
    """
    naming = [
        page["workflowId"] for _, _, data in await streams.read(journals_of(OPERATOR)) if _names(page := json.loads(data), user)
    ]
    return sum([await streams.erase(trace) for workflow_id in naming for trace in _traces(workflow_id)])


def _traces(workflow_id: str) -> tuple[Subject, ...]:
    """The journal is the last by which the others can be found; its last event can come a moment after it."""
    told = workflow_event(OPERATOR, workflow_id)
    others = cargo(OPERATOR, workflow_id), timer(OPERATOR, workflow_id), run(OPERATOR, workflow_id)
    return told, *others, journal(OPERATOR, workflow_id), told


def _names(page: dict[str, Any], user: str) -> bool:
    return any(line["kind"] == CREATED and user in _users(line.get("params")) for line in page["lines"])


def _users(params: Any) -> list[Any]:
    """What the operator has sent is anything."""
    found: Any = cast("dict[str, Any]", params).get("users") if isinstance(params, dict) else None
    return cast("list[Any]", found) if isinstance(found, list) else []
