"""The calls of one answer: kept before they are made, made, told of, and given back to the model.

Memory knows of each call before anything happens: whoever goes on after a crash (F1), or after a decision, makes none twice.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final, TypeVar

import structlog

from inference import metrics
from inference.answer import Answer
from inference.delta import ToolCall
from inference.failure import OutOfBudget
from inference.guard import Guard
from inference.lease import insist
from inference.lines import Lines
from inference.ports import Deeds, Tools
from inference.publisher import TokenLog
from inference.tools.builtin import ACTIONS
from inference.tools.offer import REFUSALS, Offer
from inference.tools.outcome import ToolFailed
from inference.tools.telling import UNKNOWN, cleaned_value, told
from shared.contract.acting import BeginCall, CarryOut, KeepResult, KeepRound, PlannedCall, SuspendGeneration
from shared.contract.objects import Problem, PromptCall, PromptMessage
from shared.contract.person import Action
from shared.contract.tools import CallOutcome, Round, ToolCallState
from shared.errors import BudgetExhausted, LostLease, Refused, UnknownGeneration

log: structlog.stdlib.BoundLogger = structlog.get_logger()

AT_ONCE: Final = 8
"""Calls of one answer that are made side by side."""

CANCELLED: Final = Problem(code="cancelled", message="The answer was stopped before this was done.")

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ENDED: Final[dict[str, CallOutcome]] = {
    "completed": "completed",
    "failed": "failed",
    "rejected": "rejected",
    "unknown": "unknown",
}

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Held:
    """The generation that a worker holds, and what was done of it before.

    `wary`: text of strangers could move the model to call something; `untrusted`: it reads some from the start.
    """

    generation: str
    user: str
    epoch: int
    rounds: Sequence[Round] = ()
    wary: bool = True
    untrusted: bool = False


class Calls:
    """All rounds of one attempt that ended with calls."""

    def __init__(
        self, held: Held, offer: Offer, deeds: Deeds, tools: Tools, tokens: TokenLog, lines: Lines, guard: Guard
    ) -> None:
        self._held, self._offer, self._deeds, self._tools = held, offer, deeds, tools
        self._tokens, self._lines, self._guard = tokens, lines, guard
        self.rounds = list(held.rounds)
        self._states = {call.id: call for one in self.rounds for call in one.calls}
        self._ids = set(self._states)
        self._under_way: dict[str, bool] = {}
        """Calls that are being made; whether something may have happened by now."""
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.untrusted = held.untrusted or any(self._taints(call) for call in self._states.values())

    @property
    def acted(self) -> bool:
        """Whether something was done that the text may ask for once more."""
        return any(call.name in ACTIONS and call.status == "completed" for call in self._states.values())

    def heard(self, call: ToolCall) -> ToolCall:
        """The model has called: tells of it, and gives the call an id that it alone has, in a form that every server takes."""
        if call.id in self._ids or not _ID.fullmatch(call.id):
            call = call._replace(id=f"r{len(self.rounds):03d}c{len(self._ids):04d}")
        self._ids.add(call.id)
        self._tokens.write_line(self._lines.tool_started(call))
        if call.name in ACTIONS and self._offer.get(call.name):
            self._tokens.write_line(self._lines.action_asked(call))
        return call

    def messages(self) -> Iterator[PromptMessage]:
        """What the model is told of the rounds so far."""
        for one in self.rounds:
            calls = [PromptCall(id=call.id, name=call.name, arguments=call.arguments) for call in one.calls]
            yield PromptMessage(role="assistant", text=one.text, tool_calls=calls)
            for call in one.calls:
                yield PromptMessage(role="tool", text=told(self._states[call.id]), tool_call_id=call.id, name=call.name)

    async def go_on(self) -> bool:
        """Makes what an earlier attempt has left to be made. False when somebody has to decide first."""
        for call in self.rounds[-1].calls:
            if call.status not in _ENDED:
                started = ToolCall(call.id, call.name, json.dumps(call.arguments))
                self._tokens.write_line(self._lines.tool_started(started))
            elif call.status == "rejected":
                self._tokens.write_line(self._lines.tool_finished(call, "rejected", None))
        return await self._make()

    async def round(self, answer: Answer, model: str) -> bool:
        """The model waits for what it has called. False when somebody has to decide first. Raises OutOfBudget."""
        calls = [self._planned(call) for call in answer.calls]
        question = KeepRound(
            generation_id=self._held.generation,
            user=self._held.user,
            epoch=self._held.epoch,
            number=len(self.rounds),
            text=answer.round_text,
            model=model,
            usage=answer.usage,
            calls=calls,
        )
        try:
            with self._guard.away():
                kept = await self._ask(self._deeds.keep_round, question)
        except BudgetExhausted:
            raise OutOfBudget from None
        self.rounds.append(kept)
        self._states |= {call.id: call for call in kept.calls}
        answer.next_round()
        return await self._make()

    async def suspend(self) -> bool:
        """Nobody holds the answer until somebody has decided. False when it is somebody else's by now."""
        held = self._held
        question = SuspendGeneration(generation_id=held.generation, user=held.user, epoch=held.epoch)
        try:
            await insist(self._deeds.suspend, question)
        except (LostLease, UnknownGeneration):
            return False
        log.info("generation.suspended", generation=held.generation, epoch=held.epoch)
        return True

    async def settle(self) -> None:
        """The answer was stopped while calls were made: what is known of them is kept."""
        for call_id, begun in self._under_way.items():
            call, offered = self._states[call_id], self._offer.get(self._states[call_id].name)
            harmless = not begun or offered is None or not offered.guarded
            status, problem = ("failed", CANCELLED) if harmless else ("unknown", UNKNOWN)
            ended = call.model_copy(update={"status": status, "error": problem})
            try:
                await insist(self._deeds.keep_result, self._result(ended, status))
            except Refused:  # It is lost, or was done after all.
                continue
            self._tokens.write_line(self._lines.tool_finished(ended, status, None))
        self._under_way.clear()

    # --- making them ------------------------------------------------------------------------------------------------------

    def _planned(self, call: ToolCall) -> PlannedCall:
        arguments = cleaned_value(json.loads(call.arguments))
        offered = self._offer.get(call.name)
        if self._offer.refusal(call.name, arguments) is not None:
            policy = "auto"  # Nobody is asked about what can't be done.
        else:
            policy = self._offer.policy(call.name, untrusted=self.untrusted)
        idempotent = offered is not None and offered.idempotent
        return PlannedCall(id=call.id, name=call.name, arguments=arguments, policy=policy, idempotent=idempotent)

    async def _make(self) -> bool:
        """Makes all of the last round that can be made. What memory does itself is done in the order of the model's words."""
        calls = [call for call in self.rounds[-1].calls if call.status not in (*_ENDED, "waiting")]
        actions = [call for call in calls if call.name in ACTIONS]
        with self._guard.away():
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._one_by_one(actions))
                for call in calls:
                    if call.name not in ACTIONS:
                        tasks.create_task(self._one_by_one([call]))
        return all(self._states[call.id].status != "waiting" for call in self.rounds[-1].calls)

    async def _one_by_one(self, calls: Sequence[ToolCallState]) -> None:
        for call in calls:
            async with self._slots:
                began = perf_counter()
                self._under_way[call.id] = False
                ended = await self._made(call)
                self._under_way.pop(call.id)
                self._tell(ended, perf_counter() - began)

    async def _made(self, call: ToolCallState) -> ToolCallState:
        held, offered = self._held, self._offer.get(call.name)
        begin = BeginCall(generation_id=held.generation, user=held.user, epoch=held.epoch, call_id=call.id)
        if call.status == "running" and not call.idempotent:
            return await self._ask(self._deeds.begin_call, begin)  # It was begun before, and memory says so.
        refusal = self._offer.refusal(call.name, call.arguments)
        if refusal is not None or offered is None:
            return await self._keep(call, "failed", error=refusal)
        self._under_way[call.id] = True
        if call.name in ACTIONS:
            action = Action.model_validate({"event": call.name, "payload": call.arguments})
            order = CarryOut(generation_id=held.generation, user=held.user, epoch=held.epoch, call_id=call.id, action=action)
            return await self._ask(self._deeds.carry_out, order)
        if not call.idempotent or call.approval_id is not None:
            begun = await self._ask(self._deeds.begin_call, begin)
            if begun.status != "running":
                return begun
        try:
            result = await self._tools.call(held.user, offered, call.arguments, f"{held.generation}:{call.id}")
        except ToolFailed as failure:
            return await self._keep(call, failure.status, error=failure.problem)
        return await self._keep(call, "completed", result=result)

    async def _keep(self, call: ToolCallState, status: CallOutcome, **came: object) -> ToolCallState:
        ended = call.model_copy(update={"status": status, **came})
        await self._ask(self._deeds.keep_result, self._result(ended, status))
        return ended

    def _result(self, call: ToolCallState, status: CallOutcome) -> KeepResult:
        return KeepResult(
            generation_id=self._held.generation,
            user=self._held.user,
            epoch=self._held.epoch,
            call_id=call.id,
            status=status,
            result=call.result,
            error=call.error,
        )

    def _tell(self, call: ToolCallState, seconds: float) -> None:
        self._states[call.id] = call
        self.untrusted = self.untrusted or self._taints(call)
        status = _ENDED.get(call.status)
        if status is None:
            return
        metrics.tool_called(self._offer.label(call.name), status, seconds)
        log.info("tool.finished", generation=self._held.generation, tool=self._offer.label(call.name), status=status)
        self._tokens.write_line(self._lines.tool_finished(call, status, seconds))

    def _taints(self, call: ToolCallState) -> bool:
        ours = call.error is not None and call.error.code in REFUSALS
        told = call.status in ("completed", "failed") and not ours
        return self._held.wary and told and self._offer.taints(call.name)

    async def _ask(self, call: Callable[[Q], Awaitable[A]], question: Q) -> A:
        """Asks memory until it answers. When the answer is somebody else's by now, this attempt ends here."""
        try:
            return await insist(call, question)
        except (LostLease, UnknownGeneration):
            self._guard.end("lost")
            return await asyncio.get_running_loop().create_future()  # The guard's scope ends this wait.
