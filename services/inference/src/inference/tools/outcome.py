"""How a call can come to nothing."""

from shared.contract.objects import Problem
from shared.contract.tools import CallOutcome


class ToolFailed(Exception):
    """A call came to nothing, or nobody knows to what (`unknown`)."""

    def __init__(self, code: str, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.status: CallOutcome = "unknown" if unknown else "failed"

    @property
    def problem(self) -> Problem:
        """The same as it is kept and told."""
        return Problem(code=self.code, message=str(self))
