"""Work in the background: workflows are started, and looked at."""

from typing import Any, Final

from inference.rules.heard import Ask, Heard, Rule, Said, Script, rule
from inference.rules.shown import listed
from inference.rules.toolbox import Call

SHOWN: Final = 10
_NAMES: Final = {
    "week summary": "week_summary",
    "weekly summary": "week_summary",
    "summary of the week": "week_summary",
    "daily plan": "daily_plan",
    "day plan": "daily_plan",
    "plan of the day": "daily_plan",
    "calendar sync": "calendar_sync",
    "sync": "calendar_sync",
}


def _start(heard: Heard) -> Script | Said:
    name = heard.words().text
    if not name:
        return Ask("Which workflow shall I start?", "start the workflow", free=True)
    return _started(_NAMES.get(name, "_".join(name.split())), {})


def _goal(heard: Heard) -> Script | Said:
    goal = heard.said()
    return _started("task", {"goal": goal}) if goal else Ask("What is the goal?", "work on", free=True)


def _started(kind: str, params: dict[str, Any]) -> Script:
    answers = yield (Call("start_workflow", {"type": kind, "params": params}),)
    known = answers[0].mapping.get("id") or answers[0].mapping.get("workflowId")
    return f"The workflow **{kind}** has begun" + (f": `{known}`. Ask “status of {known}”." if known else ".")


def _status(heard: Heard) -> Script:
    known = heard.said("id") if heard.match.groupdict().get("id") else ""
    return _looked_at(known) if known else _lately()


def _looked_at(known: str) -> Script:
    answers = yield (Call("workflow_status", {"workflowId": known}),)
    found = answers[0].mapping
    steps = [f"{step.get('name')}: {step.get('status')}" for step in answers[0].listed("steps")]
    head = f"The workflow **{found.get('type', known)}** is {found.get('status', 'unknown')}."
    told = _output(found.get("output"))
    return "\n\n".join(part for part in (listed(head, steps, str, SHOWN) if steps else head, told) if part)


def _output(output: object) -> str:
    if not isinstance(output, dict):
        return ""
    return next((str(output[key])[:2_000] for key in ("summary", "result", "text") if output.get(key)), "")  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]


def _lately() -> Script:
    answers = yield (Call("workflow_status", {}),)
    found = answers[0].listed("workflows", "items")
    if not found:
        return "Nothing works in the background, and nothing did lately."
    return listed(
        "In the background, the latest first:",
        found,
        lambda one: f"`{one.get('id')}` {one.get('type')}: {one.get('status')}",
        SHOWN,
    )


RULES: Final[list[Rule]] = [
    *rule(
        _status,
        (
            r"(?:what is the |show (?:me )?the |check (?:the )?)?(?:workflow )?status(?: of)?(?: the"
            r"| my)?(?: workflow)? (?P<id>(?:w_|tool-)[^ ]+)"
        ),
        r"(?:what is the |show (?:me )?the |check (?:the )?)?(?:workflow status|status of (?:the|my) workflows?)",
        r"(?:show|list)(?: me)?(?: my| the)?(?: running)? workflows",
        r"how (?:is|far is)(?: the)?(?: workflow)? (?P<id>(?:w_|tool-)[^ ]+)(?: doing| going)?",
        example="workflow status",
    ),
    *rule(
        _goal,
        r"(?:work on|work towards|take care of|goal):? (?P<x>.+)",
        r"(?:start|create|begin) (?:a )?(?:background )?job(?: to| for|:)?(?P<x>(?: .+)?)",
        example="work on: write the agenda; book a room; invite everybody",
    ),
    *rule(
        _start,
        r"(?:run|start|execute|launch|begin|trigger)(?: the| a| my)? workflow:?(?P<x>(?: .+)?)",
        r"(?:run|start|execute|launch|begin|trigger)(?: the| a| my)? (?P<x>.+?) workflow",
        r"(?:run|start|execute|launch|trigger)(?: the| my)? (?P<x>week(?:ly)? summary|daily plan|calendar sync|countdown)",
        example="run the workflow week summary",
    ),
]
