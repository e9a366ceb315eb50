"""Every call about tools and approvals, and what answers it."""

from typing import Final

from memory.handlers import acting, approvals
from memory.handlers.person import Answered
from shared.contract import acting as contract

WRITES: Final[tuple[Answered, ...]] = (
    (contract.KEEP_ROUND, acting.keep_round),
    (contract.BEGIN_CALL, acting.begin_call),
    (contract.KEEP_RESULT, acting.keep_result),
    (contract.CARRY_OUT, acting.carry_out),
    (contract.SUSPEND_GENERATION, acting.suspend_generation),
    (contract.DECIDE_APPROVAL, approvals.decide_approval),
)

READS: Final[tuple[Answered, ...]] = ((contract.LIST_APPROVALS, approvals.list_approvals),)
