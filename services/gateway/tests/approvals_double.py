"""The part of the double that asks people for the leave to call tools, and that counts what they use."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contract import acting, budget
from shared.contract.tools import Approval
from shared.errors import ApprovalDecided, ArgumentsChanged, UnknownApproval
from shared.ids import new_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class ApprovalsDouble:
    """Approvals by id, each with its owner."""

    def __init__(self, objects: dict[str, dict[str, tuple[str, Any]]]) -> None:
        self.objects = objects
        self.decided: dict[str, asyncio.Event] = {}

    @property
    def known(self) -> dict[str, tuple[str, Approval]]:
        return self.objects["approvals"]

    def answered(self) -> dict[Any, Any]:
        return {
            acting.LIST_APPROVALS: self.list,
            acting.DECIDE_APPROVAL: self.decide,
            budget.GET_USAGE: self.usage,
        }

    async def usage(self, question: budget.GetUsage) -> budget.UsageToday:
        """Everybody may use 1,000 tokens; ana has used some."""
        used = 300 if question.user == "ana" else 0
        model = budget.ModelUsage(model="m", answers=1, prompt_tokens=200, completion_tokens=100, cost=0.5)
        return budget.UsageToday(
            date="2026-01-01",
            resets_at=NOW + timedelta(days=1),
            tokens=budget.Measure(used=used, reserved=50, limit=1_000, left=950 - used),
            cost=budget.Measure(used=0.5, reserved=0.0, currency="USD"),
            models=[model] if used else [],
        )

    def ask(self, user: str, **arguments: Any) -> Approval:
        """Somebody has to decide."""
        approval = Approval(
            id=new_id("ap"),
            conversation_id="c_1",
            generation_id="g_1",
            message_id="m_1",
            tool_call_id="call_1",
            name="mail__send",
            arguments=arguments,
            arguments_hash="a" * 64,
            status="waiting",
            created_at=NOW,
            expires_at=NOW + timedelta(days=7),
        )
        self.waiting(user, approval)
        return approval

    def waiting(self, user: str, approval: Approval) -> asyncio.Event:
        """It is set when this is decided."""
        self.known[approval.id] = (user, approval)
        decided = self.decided[approval.id] = asyncio.Event()
        return decided

    def of(self, user: str) -> list[Approval]:
        return [one for owner, one in self.known.values() if owner == user and one.status == "waiting"][::-1]

    async def list(self, question: acting.ListApprovals) -> acting.Approvals:
        mine = self.of(question.user)
        return acting.Approvals(approvals=[one for one in mine if question.conversation_id in (None, one.conversation_id)])

    async def decide(self, question: acting.DecideApproval) -> Approval:
        owner, approval = self.known.get(question.approval_id, ("", None))
        if approval is None or owner != question.user:
            raise UnknownApproval
        if approval.arguments_hash != question.arguments_hash:
            raise ArgumentsChanged
        wanted = "approved" if question.decision == "approve" else "rejected"
        if approval.status not in ("waiting", wanted):
            raise ApprovalDecided
        decided = approval.model_copy(update={"status": wanted, "decided_at": NOW})
        self.known[approval.id] = (owner, decided)
        self.decided[approval.id].set()
        return decided
