"""A worker as a process of its own, to be killed: `NATS_URL` says where."""

from functools import partial

from sample_workflows import SAMPLES

from shared.service import run
from workflow.app import application
from workflow.settings import WorkflowSettings

if __name__ == "__main__":
    run("workflow", partial(application, WorkflowSettings(), definitions=SAMPLES))
