"""Memory's side of a turn without a database: claims, leases and ends as the contract describes them, in this process."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shared.bus import Answer
from shared.contract import acting, budget, knowledge, memory, state
from shared.contract.objects import GenerationStatus, Problem, PromptMessage
from shared.contract.person import Action, Plan
from shared.contract.tools import CallStatus, Round, ToolCallState
from shared.errors import BudgetExhausted, IdempotencyMismatch, LostLease, Refused, Unavailable, UnknownGeneration


@dataclass
class Row:
    """One generation."""

    claim: memory.Claim
    status: GenerationStatus = "queued"
    epoch: int = 0
    stop: bool = False
    end: memory.FinishGeneration | None = None
    abandoned: memory.AbandonGeneration | None = None
    releases: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    rounds: list[Round] = field(default_factory=list[Round])
    begun: dict[str, int] = field(default_factory=dict[str, int])
    """The attempt that has begun a call."""
    actions: list[Action] = field(default_factory=list[Action])
    suspended: asyncio.Event = field(default_factory=asyncio.Event)

    def call(self, call_id: str) -> ToolCallState:
        return next(call for one in self.rounds for call in one.calls if call.id == call_id)

    def put(self, changed: ToolCallState) -> ToolCallState:
        self.rounds = [
            one.model_copy(update={"calls": [changed if call.id == changed.id else call for call in one.calls]})
            for one in self.rounds
        ]
        return changed

    def decide(self, call_id: str, status: CallStatus) -> None:
        """Somebody has decided: the generation may be ordered again."""
        self.put(self.call(call_id).model_copy(update={"status": status}))
        self.suspended.clear()
        self.status = "queued"


class FakeMemory:
    """Knows the generations that a test puts in. `away` makes every call fail as if memory were down."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.away = False
        self.claims = 0
        self.finishes = 0
        self.material = knowledge.DigestMaterial(decision="done")
        self.prepared = asyncio.Semaphore(0)
        self.digests: asyncio.Queue[knowledge.StoreDigest] = asyncio.Queue()
        self.rates: list[budget.Rate] | None = None
        self.charges: asyncio.Queue[budget.Charge] = asyncio.Queue()
        self.before_finish: Callable[[], Awaitable[None]] | None = None
        self.preferences: dict[str, object] = {}
        self.refuse: Refused | None = None
        """What every action meets."""
        self.exhausted = False
        """Nothing is left of the budget for another round."""
        self.plans: list[state.PutPlan] = []
        self.hook: Callable[[object], Awaitable[None]] | None = None
        """Runs before tasks are listed."""

    def add(self, text: str, *, generation: str = "g_1", user: str = "ana", **claim: object) -> Row:
        messages = [PromptMessage(role="user", text=text)]
        fields = {"user": user, "conversation_id": "c_1", "answer_id": "m_2", "messages": messages, "lease_seconds": 6.0}
        row = self.rows[generation] = Row(memory.Claim(decision="run", **(fields | claim)))
        return row

    async def claim(self, question: memory.ClaimGeneration) -> memory.Claim:
        self.claims += 1
        row = self._row(question.generation_id)
        if row.status not in ("queued", "running"):
            return memory.Claim(decision="done")
        row.epoch += 1
        row.status = "running"
        return row.claim.model_copy(update={"epoch": row.epoch, "stop": row.stop, "rounds": row.rounds})

    async def renew(self, question: memory.RenewLease) -> memory.Lease:
        row = self._running(question.generation_id, question.epoch)
        return memory.Lease(lease_seconds=6.0, stop=row.stop)

    async def finish(self, question: memory.FinishGeneration) -> memory.GenerationState:
        self.finishes += 1
        if self.before_finish is not None:
            await self.before_finish()
        row = self._row(question.generation_id)
        if row.end is None:
            row = self._running(question.generation_id, question.epoch)
            row.end, row.status = question, question.outcome
            row.ended.set()
        elif (row.end.epoch, row.end.outcome) != (question.epoch, question.outcome):
            raise LostLease
        return memory.GenerationState(generation_id=question.generation_id, status=row.status)

    async def release(self, question: memory.ReleaseGeneration) -> memory.GenerationState:
        row = self._running(question.generation_id, question.epoch)
        row.status = "queued"
        row.releases += 1
        return memory.GenerationState(generation_id=question.generation_id, status="queued")

    async def abandon(self, question: memory.AbandonGeneration) -> memory.GenerationState:
        row = self._row(question.generation_id)
        row.abandoned = question
        row.ended.set()
        return memory.GenerationState(generation_id=question.generation_id, status="failed")

    async def keep_round(self, question: acting.KeepRound) -> Round:
        row = self._running(question.generation_id, question.epoch)
        if self.exhausted:
            raise BudgetExhausted
        statuses: dict[str, CallStatus] = {"auto": "planned", "ask": "waiting", "never": "rejected"}
        calls = [
            ToolCallState(
                id=call.id,
                name=call.name,
                arguments=call.arguments,
                status=statuses[call.policy],
                idempotent=call.idempotent,
                approval_id=f"ap_{call.id}" if call.policy == "ask" else None,
            )
            for call in question.calls
        ]
        assert question.number == len(row.rounds)
        kept = Round(number=question.number, text=question.text, usage=question.usage, calls=calls)
        row.rounds.append(kept)
        return kept

    async def begin_call(self, question: acting.BeginCall) -> ToolCallState:
        row = self._running(question.generation_id, question.epoch)
        call = row.call(question.call_id)
        if call.status == "running" and not call.idempotent and row.begun[call.id] != question.epoch:
            return row.put(call.model_copy(update={"status": "unknown"}))
        if call.status in ("planned", "approved", "running"):
            row.begun[call.id] = question.epoch
            return row.put(call.model_copy(update={"status": "running"}))
        return call

    async def keep_result(self, question: acting.KeepResult) -> memory.Done:
        row = self._running(question.generation_id, question.epoch)
        call = row.call(question.call_id)
        if call.status in ("completed", "failed", "rejected", "unknown"):
            if call.status != question.status:
                raise IdempotencyMismatch
            return memory.Done()
        row.put(call.model_copy(update={"status": question.status, "result": question.result, "error": question.error}))
        return memory.Done()

    async def carry_out(self, question: acting.CarryOut) -> ToolCallState:
        row = self._running(question.generation_id, question.epoch)
        call = row.call(question.call_id)
        if call.status == "completed":
            return call
        if self.refuse is not None:
            problem = Problem(code=self.refuse.code, message=str(self.refuse))
            return row.put(call.model_copy(update={"status": "failed", "error": problem}))
        row.actions.append(question.action)
        return row.put(call.model_copy(update={"status": "completed", "result": {"id": f"t_{len(row.actions)}"}}))

    async def suspend(self, question: acting.SuspendGeneration) -> memory.Done:
        row = self._running(question.generation_id, question.epoch)
        row.status = "waiting"
        row.suspended.set()
        return memory.Done()

    async def get_preferences(self, _question: state.GetPreferences) -> state.Preferences:
        return state.Preferences(preferences=self.preferences)

    async def list_tasks(self, question: state.ListTasks) -> state.Tasks:
        if self.hook is not None:
            await self.hook(question)
        return state.Tasks(tasks=[])

    async def put_plan(self, question: state.PutPlan) -> Plan:
        self.plans.append(question)
        return Plan(date=question.date)

    async def prepare_digest(self, _question: knowledge.PrepareDigest) -> knowledge.DigestMaterial:
        if self.away:
            raise Unavailable(retry_after=0.02)
        self.prepared.release()
        return self.material

    async def store_digest(self, question: knowledge.StoreDigest) -> memory.Done:
        await self.digests.put(question)
        return memory.Done()

    async def keep_rates(self, question: budget.KeepRates) -> memory.Done:
        if self.away:
            raise Unavailable(retry_after=0.02)
        self.rates = question.rates
        return memory.Done()

    async def charge(self, question: budget.Charge) -> memory.Done:
        if self.away:
            raise Unavailable(retry_after=0.02)
        await self.charges.put(question)
        return memory.Done()

    def answers(self) -> list[Answer]:
        """The calls for `bus.answer`."""
        return [
            Answer(memory.CLAIM_GENERATION, self.claim),
            Answer(memory.RENEW_LEASE, self.renew),
            Answer(memory.FINISH_GENERATION, self.finish),
            Answer(memory.RELEASE_GENERATION, self.release),
            Answer(memory.ABANDON_GENERATION, self.abandon),
            Answer(acting.KEEP_ROUND, self.keep_round),
            Answer(acting.BEGIN_CALL, self.begin_call),
            Answer(acting.KEEP_RESULT, self.keep_result),
            Answer(acting.CARRY_OUT, self.carry_out),
            Answer(acting.SUSPEND_GENERATION, self.suspend),
            Answer(state.GET_PREFERENCES, self.get_preferences),
            Answer(state.LIST_TASKS, self.list_tasks),
            Answer(state.PUT_PLAN, self.put_plan),
            Answer(knowledge.PREPARE_DIGEST, self.prepare_digest),
            Answer(knowledge.STORE_DIGEST, self.store_digest),
            Answer(budget.KEEP_RATES, self.keep_rates),
            Answer(budget.CHARGE, self.charge),
        ]

    def _row(self, generation: str) -> Row:
        if self.away:
            raise Unavailable(retry_after=0.02)
        if generation not in self.rows:
            raise UnknownGeneration
        return self.rows[generation]

    def _running(self, generation: str, epoch: int) -> Row:
        row = self._row(generation)
        if row.status != "running" or row.epoch != epoch:
            raise LostLease
        return row
