"""Starts the workflow service."""

from functools import partial

from shared.service import run
from shared.settings import read
from workflow.app import application
from workflow.settings import WorkflowSettings


def main() -> None:
    """Runs until told to stop."""
    run("workflow", partial(application, read(WorkflowSettings)))


if __name__ == "__main__":
    main()
