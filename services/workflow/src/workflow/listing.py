"""The list of a user's workflows, newest first, page by page."""

from collections.abc import Iterable

from shared.contract.journal import JournalPage
from shared.contract.workflow import ListWorkflows, Workflow, Workflows
from workflow.view import summary_of


def listed(pages: Iterable[JournalPage], question: ListWorkflows) -> Workflows:
    """One page of those that are asked for, from the newest page of each journal."""
    wanted = [summary_of(page) for page in pages]
    wanted = [
        each
        for each in wanted
        if question.status in (None, each.status)
        and question.type in (None, each.type)
        and (question.before is None or _place(each) < question.before)
    ]
    wanted.sort(key=_place, reverse=True)
    more = len(wanted) > question.limit
    shown = wanted[: question.limit]
    return Workflows(workflows=shown, next=_place(shown[-1]) if more else None)


def _place(workflow: Workflow) -> str:
    """Where it stands in the list: by age, then by id. Sorts as text."""
    return f"{workflow.created_at.isoformat(timespec='microseconds')}~{workflow.id}"
