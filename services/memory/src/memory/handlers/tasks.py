"""Tasks. `add` and `complete` are also what an answer does that asks for it: within its transaction, and once with it."""

from memory import task as rules
from memory.handlers.reading import Snapshot
from memory.handlers.repetition import change_once
from memory.paging import bounded, object_cursor, parse_object_cursor, within
from memory.records import tasks
from memory.transaction import Transaction
from shared.contract.changes import TaskCreated, TaskDeleted, TaskUpdated
from shared.contract.person import Task
from shared.contract.state import CompleteTask, CreateTask, DeleteTask, GetTask, ListTasks, Tasks, UpdateTask
from shared.errors import LimitReached


def create_task(tx: Transaction, question: CreateTask) -> Task:
    """Makes an open task."""
    return change_once(tx, "create_task", question, Task, lambda: add(tx, question))


def add(tx: Transaction, question: CreateTask, generation_id: str | None = None) -> Task:
    """The same without regard to repetition, for the answer that asked for it."""
    _refuse_more(tx, question.user)
    task = Task(
        id=tx.id("t"),
        title=question.title,
        status="open",
        due=question.due,
        tags=question.tags,
        assignee=question.assignee,
        generation_id=generation_id,
        created_at=tx.at,
        updated_at=tx.at,
    )
    tasks.keep(tx.connection, question.user, task, tx.version(question.user))
    tx.tell_state(question.user, "tasks", TaskCreated(**tx.stamp(question.user), task=task))
    return task


def _refuse_more(tx: Transaction, user: str) -> None:
    limit = tx.limits.open_tasks
    if tasks.open_count(tx.connection, user) >= limit:
        raise LimitReached(
            f"There are {limit} open tasks, as many as one may have; complete or delete some first.", limit=limit
        )


def update_task(tx: Transaction, question: UpdateTask) -> Task:
    """Changes what is given of a task."""
    return change_once(tx, "update_task", question, Task, lambda: _update(tx, question))


def _update(tx: Transaction, question: UpdateTask) -> Task:
    old = tasks.get(tx.connection, question.user, question.task_id)
    new = rules.updated(old, question, tx.at)
    if (old.status, new.status) == ("completed", "open"):
        _refuse_more(tx, question.user)
    return _change(tx, question.user, old, new)


def complete_task(tx: Transaction, question: CompleteTask) -> Task:
    """Completes a task."""
    return change_once(tx, "complete_task", question, Task, lambda: complete(tx, question))


def complete(tx: Transaction, question: CompleteTask) -> Task:
    """The same without regard to repetition."""
    old = tasks.get(tx.connection, question.user, question.task_id)
    return _change(tx, question.user, old, rules.completed(old, tx.at))


def _change(tx: Transaction, user: str, old: Task, new: Task) -> Task:
    if new is not old:
        tasks.change(tx.connection, new, tx.version(user))
        tx.tell_state(user, "tasks", TaskUpdated(**tx.stamp(user), task=new))
    return new


def delete_task(tx: Transaction, question: DeleteTask) -> Task:
    """Deletes a task."""
    return change_once(tx, "delete_task", question, Task, lambda: _delete(tx, question))


def _delete(tx: Transaction, question: DeleteTask) -> Task:
    task = tasks.get(tx.connection, question.user, question.task_id)
    tasks.drop(tx.connection, task.id)
    tx.remove(question.user, "tasks", task.id)
    tx.tell_state(question.user, "tasks", TaskDeleted(**tx.stamp(question.user), task=task))
    return task


def get_task(view: Snapshot, question: GetTask) -> Task:
    """One task."""
    return tasks.get(view.connection, question.user, question.task_id)


def list_tasks(view: Snapshot, question: ListTasks) -> Tasks:
    """A page of tasks, the newest first."""
    limit, after = bounded(question.limit), parse_object_cursor(question.cursor)
    found = tasks.page(view.connection, question.user, question.status, after, limit + 1)
    page = within(found[:limit], view.limits.page_bytes)
    return Tasks(tasks=page, next=object_cursor(page[-1].id) if len(page) < len(found) else None)
