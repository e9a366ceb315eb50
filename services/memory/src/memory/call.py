"""Calls of tools as they stand: what becomes of a planned one, what an end leaves, how much of them is shown."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from memory.tokens import cut
from shared.contract.acting import PlannedCall
from shared.contract.objects import Problem
from shared.contract.person import DoneAction
from shared.contract.tools import CallOutcome, CallStatus, Round, ToolCallState
from shared.errors import Invalid

LARGEST_ASKED: Final = 64 * 1024
"""Bytes of the arguments that a person can be asked about: they are told as an event."""

SHOWN_CALL, SHOWN_CALLS = 16 * 1024, 96 * 1024
"""Bytes of arguments and result of a call, and of all of an answer, that its message keeps: its end has to fit into a NATS
message, and 100,000 characters of text take the rest."""

CARRIED_CALLS: Final = 320 * 1024
"""Bytes of results that a worker is given when it goes on after another one."""

BRIEF: Final = 120
"""Tokens of a call that a later prompt is reminded of."""

REFUSED = Problem(code="tool_refused", message="This tool may not be called here.")
REJECTED = Problem(code="rejected", message="The person did not agree to this call.")
EXPIRED = Problem(code="approval_expired", message="Nobody agreed to this call in time.")
WITHDRAWN = Problem(code="withdrawn", message="The answer ended before this call was made.")
BROKEN_OFF = Problem(code="unknown", message="Whether this was done is not known: its worker stopped in the middle.")
TOO_LARGE = Problem(code="too_large", message="These arguments are too long to be shown to somebody who has to agree.")

ENDED: Final[frozenset[CallStatus]] = frozenset({"completed", "failed", "rejected", "unknown"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it is stored. `epoch` is the attempt that began it, `done` the action of ours that it was."""

    state: ToolCallState
    round: int
    epoch: int | None = None
    done: DoneAction | None = None

    @property
    def ended(self) -> bool:
        """Whether something came of it."""
        return self.state.status in ENDED


def arguments_hash(arguments: dict[str, Any]) -> str:
    """What an approval is bound to: sha256 in hex of the JSON with sorted keys and no spaces."""
    text = json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def planned(call: PlannedCall) -> ToolCallState:
    """How a call begins. One that waits gets its approval's id when that is made."""
    state = ToolCallState(id=call.id, name=call.name, arguments=call.arguments, status="planned", idempotent=call.idempotent)
    if call.policy == "never":
        return state.model_copy(update={"status": "rejected", "error": REFUSED})
    if call.policy == "ask" and len(state.encode()) > LARGEST_ASKED:
        return state.model_copy(update={"status": "rejected", "error": TOO_LARGE})
    return state.model_copy(update={"status": "waiting"}) if call.policy == "ask" else state


def refuse_doubled(calls: Sequence[PlannedCall], before: Sequence[Call]) -> None:
    """Raises Invalid unless every id is new to the generation."""
    ids = [call.id for call in calls]
    if len(set(ids)) < len(ids) or not {call.state.id for call in before}.isdisjoint(ids):
        raise Invalid("The ids of calls must be unique within a generation.")


def is_of(round_: Round, calls: Sequence[PlannedCall]) -> bool:
    """Whether these are the calls of this round."""
    known = [(call.id, call.name, call.arguments) for call in round_.calls]
    return known == [(call.id, call.name, call.arguments) for call in calls]


def in_doubt(call: Call, epoch: int) -> bool:
    """Whether an earlier attempt has begun it, and nobody knows how far that came."""
    return call.state.status == "running" and not call.state.idempotent and call.epoch != epoch


def left(call: Call) -> tuple[CallOutcome, Problem]:
    """What becomes of one that is open when its answer ends."""
    return ("unknown", BROKEN_OFF) if call.state.status == "running" else ("rejected", WITHDRAWN)


# --- how much is shown -----------------------------------------------------------------------------------------------


def told(calls: Sequence[Call]) -> list[dict[str, Any]]:
    """What a message keeps of its calls: the first ones whole or cut, and of those that no longer fit only the names."""
    room = SHOWN_CALLS
    listed: list[dict[str, Any]] = []
    for call in calls:
        state = call.state
        about: dict[str, Any] = {"id": state.id, "name": state.name, "status": state.status}
        about |= {"approvalId": state.approval_id} if state.approval_id else {}
        about |= {"error": state.error.wire()} if state.error else {}
        share = min(SHOWN_CALL, room) // 2
        arguments = state.arguments if _size(state.arguments) <= share else {"cut": _begin(state.arguments, share)}
        about["arguments"] = arguments
        if state.result is not None:
            about["result"] = _cut(state.result, share)
        room -= min(room, _size(arguments) + _size(about.get("result")))
        listed.append(about)
    return listed


def carried(rounds: Sequence[Round]) -> list[Round]:
    """The rounds for a worker that goes on: the newest results are whole, those before them are cut to what fits."""
    room = CARRIED_CALLS
    fitting: list[Round] = []
    for one in reversed(rounds):
        calls: list[ToolCallState] = []
        for call in reversed(one.calls):
            result = _cut(call.result, room)
            room -= min(room, _size(result))
            calls.append(call if result is call.result else call.model_copy(update={"result": result}))
        fitting.append(one.model_copy(update={"calls": calls[::-1]}))
    return fitting[::-1]


def brief(call: dict[str, Any]) -> str:
    """A stored call in one short line: for the prompts of later answers."""
    outcome = call.get("error") or call.get("result")
    line = f"{call.get('name')} {_text(call.get('arguments'))} {call.get('status')}"
    return cut(line, BRIEF // 2) + cut(f" {_text(outcome)}" if outcome is not None else "", BRIEF // 2)


def _cut(value: Any, room: int) -> Any:
    """The value if it fits; else the beginning of its text."""
    return value if value is None or _size(value) <= room else _begin(value, room)


def _begin(value: Any, room: int) -> str:
    # Escaped, a character takes up to six bytes: what is kept fits whatever it is.
    return _text(value)[: room // 6] + "…"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _size(value: Any) -> int:
    return 0 if value is None else len(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
