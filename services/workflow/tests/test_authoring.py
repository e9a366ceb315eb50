"""Workflows of one's own, by the example that shows how to write one."""

import pytest

from shared.errors import Invalid
from workflow.app import application
from workflow.settings import WorkflowSettings


async def test_the_example_runs_and_says_what_it_says(ana, new_worker):
    await new_worker((), modules=["examples.workflow_example"])
    workflow_id = await ana.create("invite", {"guest": "Ben"}, "party")
    await ana.until(workflow_id, "waiting")
    await ana.send(workflow_id, "reply", "I will come!")
    letter = "Dear Ben, please come! (ana:party:1:write)"
    assert await ana.result(workflow_id) == {"letter": letter, "reply": "I will come!"}
    late = await ana.create("invite", {"guest": "Ben", "days": 0})
    assert (await ana.result(late))["reply"] == "no answer"


@pytest.mark.parametrize("module", ["no.such.module", "json"])
async def test_a_module_without_workflows_is_said_at_the_start(bus, module):
    with pytest.raises(Invalid, match="WORKFLOW_MODULES"):
        async with application(WorkflowSettings(modules=[module]), bus):
            pass
