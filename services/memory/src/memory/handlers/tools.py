"""Every call about tools, approvals and budgets, and what answers it."""

from typing import Final

from memory.handlers import acting, approvals, budgets
from memory.handlers.person import Answered
from shared.contract import acting as contract
from shared.contract import budget

WRITES: Final[tuple[Answered, ...]] = (
    (contract.KEEP_ROUND, acting.keep_round),
    (contract.BEGIN_CALL, acting.begin_call),
    (contract.KEEP_RESULT, acting.keep_result),
    (contract.CARRY_OUT, acting.carry_out),
    (contract.SUSPEND_GENERATION, acting.suspend_generation),
    (contract.DECIDE_APPROVAL, approvals.decide_approval),
    (budget.KEEP_RATES, budgets.keep_rates),
    (budget.CHARGE, budgets.charge),
)

READS: Final[tuple[Answered, ...]] = (
    (contract.LIST_APPROVALS, approvals.list_approvals),
    (budget.GET_USAGE, budgets.get_usage),
)
