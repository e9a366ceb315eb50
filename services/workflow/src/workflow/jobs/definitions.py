"""Every job of this installation."""

from dataclasses import dataclass

from workflow.definition import Definition
from workflow.jobs.answer import answer
from workflow.jobs.archive import archive, summarise
from workflow.jobs.booking import booking
from workflow.jobs.calendar_sync import calendar_sync
from workflow.jobs.daily_plan import daily_message, daily_plan
from workflow.jobs.group_summary import group_summary
from workflow.jobs.policy import guarded
from workflow.jobs.ports import Ports
from workflow.jobs.reminder import reminder
from workflow.jobs.task import task
from workflow.jobs.travel_detection import travel_detection
from workflow.jobs.travel_search import travel_prepare, travel_search
from workflow.jobs.week_summary import week_summary


@dataclass(frozen=True, slots=True)
class Named:
    """Tools that the operator has named; the others are found by what they are called."""

    flights: str | None = None
    booking: str | None = None
    calendar: str | None = None


def definitions(ports: Ports, named: Named) -> list[Definition]:
    """The jobs, over these ports and no others: what may not be done in the background is refused by them."""
    ports = guarded(ports)
    return [
        task(ports),
        answer(ports),
        daily_plan(ports),
        daily_message(ports),
        week_summary(ports),
        reminder(ports),
        group_summary(ports),
        calendar_sync(ports, named.calendar),
        travel_detection(ports),
        travel_search(ports, named.flights),
        travel_prepare(ports, named.flights),
        booking(ports, named.booking),
        archive(ports),
        summarise(ports),
    ]
