"""Every job of this installation."""

from workflow.definition import Definition
from workflow.jobs.daily_plan import daily_plan
from workflow.jobs.ports import Memory, Models
from workflow.jobs.task import task
from workflow.jobs.week_summary import week_summary


def definitions(models: Models, memory: Memory) -> list[Definition]:
    """The jobs, over these ports."""
    return [task(models, memory), daily_plan(memory), week_summary(models, memory)]
