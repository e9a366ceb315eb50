"""Every call about a person's state, and what answers it."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from memory.handlers import calendar, memories, notes, personas, plans, preferences, state, tasks, trips
from shared.contract import state as contract
from shared.contract import travel
from shared.contract.topics import Call

Answered: TypeAlias = tuple[Call[Any, Any], Callable[[Any, Any], Any]]

WRITES: Final[tuple[Answered, ...]] = (
    (contract.CREATE_TASK, tasks.create_task),
    (contract.UPDATE_TASK, tasks.update_task),
    (contract.COMPLETE_TASK, tasks.complete_task),
    (contract.DELETE_TASK, tasks.delete_task),
    (contract.CREATE_NOTE, notes.create_note),
    (contract.UPDATE_NOTE, notes.update_note),
    (contract.DELETE_NOTE, notes.delete_note),
    (contract.PIN_MEMORY, memories.pin_memory),
    (contract.UNPIN_MEMORY, memories.unpin_memory),
    (contract.CHANGE_PREFERENCES, preferences.change_preferences),
    (contract.PUT_PLAN, plans.put_plan),
    (contract.KEEP_EVENT, calendar.keep_event),
    (contract.DELETE_EVENT, calendar.delete_event),
    (contract.KEEP_PERSONA, personas.keep_persona),
    (contract.DELETE_PERSONA, personas.delete_persona),
    (travel.KEEP_TRIP, trips.keep_trip),
    (travel.CHOOSE_FLIGHT, trips.choose_flight),
    (travel.SETTLE_TRIP, trips.settle_trip),
    (travel.DROP_TRIP, trips.drop_trip),
)

READS: Final[tuple[Answered, ...]] = (
    (contract.GET_TASK, tasks.get_task),
    (contract.LIST_TASKS, tasks.list_tasks),
    (contract.GET_NOTE, notes.get_note),
    (contract.LIST_NOTES, notes.list_notes),
    (contract.LIST_MEMORIES, memories.list_memories),
    (contract.GET_PREFERENCES, preferences.get_preferences),
    (contract.GET_PLAN, plans.get_plan),
    (contract.LIST_EVENTS, calendar.list_events),
    (contract.LIST_PERSONAS, personas.list_personas),
    (travel.GET_TRIP, trips.get_trip),
    (travel.LIST_TRIPS, trips.list_trips),
    (contract.GET_STATE, state.get_state),
)
