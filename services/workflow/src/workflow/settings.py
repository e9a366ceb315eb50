"""What an operator may change about workflows; every variable starts with `WORKFLOW_`."""

from pydantic import Field
from pydantic_settings import BaseSettings

from shared.settings import settings_config


class WorkflowSettings(BaseSettings):
    """How many workflows run at a time, how long they may be, and how long they are kept."""

    model_config = settings_config("WORKFLOW_")

    slots: int = Field(default=256, ge=1, le=10_000, description="How many workflows one worker process runs at a time.")
    max_steps: int = Field(default=10_000, ge=1, le=100_000, description="Steps after which a workflow is ended as endless.")
    max_journal_bytes: int = Field(
        default=64 * 1024 * 1024, ge=1_024, description="Bytes of a workflow's journal after which it is ended."
    )
    keep_days: float = Field(default=30.0, ge=0, le=3_650, description="Days after which a workflow that has ended is erased.")
    max_schedules: int = Field(default=100, ge=0, le=10_000, description="How many schedules a user may have.")
    grace_seconds: float = Field(
        default=2.0, ge=0, description="Seconds that running steps are given to end when the service is stopped."
    )
    modules: list[str] = Field(
        default_factory=list[str], description='Python modules with workflows of your own, as JSON: `["my.workflows"]`.'
    )
    demonstration: bool = Field(default=True, description="Whether the workflow `countdown` can be begun, to try things out.")
    tool_seconds: float = Field(
        default=180.0,
        gt=0,
        description="Seconds after which a tool that gives a step no answer is called again, under the same key.",
    )
    flights_tool: str | None = Field(
        default=None,
        description="The tool that searches flights, such as `flights__search`; none: the first whose name says so.",
    )
    booking_tool: str | None = Field(default=None, description="The tool that books a flight; none: found by its name.")
    calendar_tool: str | None = Field(
        default=None, description="The tool that lists the entries of a calendar; none: found by its name."
    )
    model_seconds: float = Field(
        default=345.0,
        gt=0,
        description="Seconds after which a model that gives a step no answer is asked again; more than inference takes itself.",
    )
