"""Approvals (S9): asked for by a worker, decided by a person, over when nobody does or the answer ends."""

from datetime import timedelta
from typing import Final

from memory.audit import Act
from memory.call import EXPIRED, REJECTED, arguments_hash
from memory.generation import Generation
from memory.handlers import auditing
from memory.handlers.queueing import order
from memory.handlers.reading import Snapshot
from memory.paging import bounded, within
from memory.records import approvals, generations, rounds
from memory.transaction import Transaction
from shared.contract.acting import Approvals, DecideApproval, ListApprovals
from shared.contract.events import ToolApproval
from shared.contract.objects import Problem
from shared.contract.tools import Approval, ApprovalStatus, ToolCallState
from shared.errors import ApprovalDecided, ArgumentsChanged

_DECISIONS: Final[dict[str, ApprovalStatus]] = {"approve": "approved", "reject": "rejected"}


def ask(tx: Transaction, generation: Generation, call: ToolCallState) -> ToolCallState:
    """Asks the person for the leave to make this call; answers with the call that waits for it."""
    approval = Approval(
        id=tx.id("ap"),
        conversation_id=generation.conversation_id,
        generation_id=generation.id,
        message_id=generation.answer_id,
        tool_call_id=call.id,
        name=call.name,
        arguments=call.arguments,
        arguments_hash=arguments_hash(call.arguments),
        status="waiting",
        created_at=tx.at,
        expires_at=tx.at + timedelta(days=tx.limits.approval_days),
    )
    approvals.keep(tx.connection, generation.user, approval)
    tell(tx, generation.user, approval)
    return call.model_copy(update={"approval_id": approval.id})


def tell(tx: Transaction, user: str, approval: Approval) -> None:
    """Every device hears how it stands."""
    about = approval.model_dump(exclude={"id", "created_at", "decided_at"})
    tx.tell(user, ToolApproval(**tx.stamp(user), **about, approval_id=approval.id))
    tx.touch(user, "approvals")


def list_approvals(view: Snapshot, question: ListApprovals) -> Approvals:
    """Those that wait for a decision, newest first."""
    limit = bounded(question.limit)
    found = approvals.waiting(view.connection, question.user, limit, question.conversation_id)
    return Approvals(approvals=within(found, view.limits.page_bytes))


def decide_approval(tx: Transaction, question: DecideApproval) -> Approval:
    """Decides. When its answer waits for nothing else, that goes on."""
    user, decision = question.user, _DECISIONS[question.decision]
    approval = approvals.get(tx.connection, user, question.approval_id)
    if approval.arguments_hash != question.arguments_hash:
        raise ArgumentsChanged
    if approval.status == decision:
        return approval
    if approval.status != "waiting" or approval.expires_at <= tx.at:
        raise ApprovalDecided
    decided = _over(tx, user, approval, decision, None if decision == "approved" else REJECTED)
    _write_down(tx, user, decided)
    _go_on(tx, approval.generation_id)
    return decided


def expire_approval(tx: Transaction, whose: tuple[str, str]) -> None:
    """Nobody decided in time: the call is rejected, and its answer goes on."""
    user, approval_id = whose
    approval = approvals.get(tx.connection, user, approval_id)
    if approval.status == "waiting" and approval.expires_at <= tx.at:
        _over(tx, user, approval, "expired", EXPIRED)
        _go_on(tx, approval.generation_id)


def withdraw(tx: Transaction, generation: Generation) -> None:
    """The answer ends: nobody has to decide any more."""
    for approval in approvals.of_generation(tx.connection, generation.id):
        approvals.decide(tx.connection, approval.id, "withdrawn", tx.micros)
        tell(tx, generation.user, approval.model_copy(update={"status": "withdrawn"}))


def _over(tx: Transaction, user: str, approval: Approval, status: ApprovalStatus, problem: Problem | None) -> Approval:
    approvals.decide(tx.connection, approval.id, status, tx.micros)
    call_status = "approved" if status == "approved" else "rejected"
    rounds.decide(tx.connection, approval.generation_id, approval.tool_call_id, call_status, problem)
    decided = approval.model_copy(update={"status": status, "decided_at": tx.at})
    tell(tx, user, decided)
    return decided


def _go_on(tx: Transaction, generation_id: str) -> None:
    """Orders the answer again if nobody holds it and it waits for nobody any more."""
    generation = generations.get(tx.connection, generation_id)
    if generation.status == "waiting" and not approvals.any_of(tx.connection, generation_id):
        generations.give_back(tx.connection, generation_id, tx.ticks)
        order(tx, generation)


def _write_down(tx: Transaction, user: str, approval: Approval) -> None:
    """For the audit; the hash is that of the arguments."""
    act = Act(
        f"approval.{approval.status}",
        user,
        approval.conversation_id,
        approval.generation_id,
        approval.message_id,
        prompt_hash=approval.arguments_hash,
        made=(approval.id,),
    )
    auditing.keep(tx, user, act)
