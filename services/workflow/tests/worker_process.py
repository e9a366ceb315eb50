"""A worker as a process of its own, to be killed: `NATS_URL` says where. What it held is given out again soon."""

import os
from dataclasses import replace
from functools import partial

from sample_workflows import SAMPLES

from shared.contract import workflow as contract
from shared.service import run
from workflow import waking
from workflow.app import application
from workflow.settings import WorkflowSettings

SOON = 1.5
"""Seconds without a sign of life; the tests set the consumer to the same."""

if __name__ == "__main__":
    contract.RUN = replace(contract.RUN, ack_wait=SOON)
    waking.SUSPICIOUS = int(os.environ.get("SUSPICIOUS", waking.SUSPICIOUS))
    waking.MOST_BARREN = int(os.environ.get("MOST_BARREN", waking.MOST_BARREN))
    run("workflow", partial(application, WorkflowSettings(), definitions=SAMPLES))
