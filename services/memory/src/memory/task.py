"""How a task changes."""

from datetime import datetime

from shared.contract.person import Task
from shared.contract.state import UpdateTask


def updated(old: Task, question: UpdateTask, at: datetime) -> Task:
    """The task as this asks for; the same one when nothing is different. What is both given and cleared is cleared."""
    given = question.model_dump(include={"title", "due", "tags", "assignee", "status"}, exclude_none=True)
    new = old.model_copy(update={**given, **dict.fromkeys(question.clear)})
    if new == old:
        return old
    done = old.completed_at or at if new.status == "completed" else None
    return new.model_copy(update={"updated_at": at, "completed_at": done})


def completed(old: Task, at: datetime) -> Task:
    """The task, done. One that is done already stays as it is."""
    if old.status == "completed":
        return old
    return old.model_copy(update={"status": "completed", "updated_at": at, "completed_at": at})
