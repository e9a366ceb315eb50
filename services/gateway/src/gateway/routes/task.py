"""Tasks."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.bodies import TaskAction
from gateway.parameters import IdempotencyKey, Limit, PageCursor
from gateway.parts import Caller, Here
from gateway.replies import reply, shows
from shared.contract.person import Task, TaskStatus
from shared.contract.state import (
    COMPLETE_TASK,
    CREATE_TASK,
    DELETE_TASK,
    GET_TASK,
    LIST_TASKS,
    UPDATE_TASK,
    CompleteTask,
    DeleteTask,
    GetTask,
    ListTasks,
    Tasks,
)
from shared.ids import Id

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


@router.get("", responses=shows(Tasks))
async def list_tasks(
    parts: Here,
    caller: Caller,
    limit: Limit = 50,
    cursor: PageCursor = None,
    status: Annotated[TaskStatus | None, Query()] = None,
) -> Response:
    """Newest first; all, or those of one status."""
    page = await parts.ask(LIST_TASKS, ListTasks(user=caller.user, limit=limit, cursor=cursor, status=status))
    return reply({**page.wire(), "next": page.next})


@router.post("", responses=shows(Task))
async def change_task(body: TaskAction, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Creates, updates, completes or deletes a task, and answers with the whole task."""
    user = caller.user
    match body.action:
        case "create":
            task = await parts.change(CREATE_TASK, body.creation(user, key))
        case "update":
            task = await parts.change(UPDATE_TASK, body.update(user, key))
        case "complete":
            task = await parts.change(COMPLETE_TASK, CompleteTask(user=user, operation_id=key, task_id=body.task_id))
        case "delete":
            task = await parts.change(DELETE_TASK, DeleteTask(user=user, operation_id=key, task_id=body.task_id))
    return reply(task)


@router.get("/{task_id}", responses=shows(Task))
async def get_task(task_id: Id, parts: Here, caller: Caller) -> Response:
    """One task."""
    return reply(await parts.ask(GET_TASK, GetTask(user=caller.user, task_id=task_id)))
