"""What a workflow is: a name, an async function of its steps and parameters, and a version of its code."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from shared.errors import Invalid, UnknownWorkflowType
from workflow.step import Step

Code = Callable[[Step, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow that can be begun."""

    name: str
    code: Code
    params: TypeAdapter[Any]
    version: int
    warm_only: bool = False
    """It only keeps things warm: no heavy tools, no word to the person (see `jobs.policy`)."""
    operator: bool = False
    """Only the operator begins it."""
    keep: timedelta | None = None
    """How long it is kept after its end, if that is shorter than what the settings say."""

    def read(self, params: Any) -> Any:
        """The parameters as the code takes them. Raises Invalid."""
        try:
            return self.params.validate_python({} if params is None else params)
        except ValidationError as error:
            places = [".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False, include_url=False)]
            raise Invalid(f"These are no parameters of {self.name!r}.", fields=places[:10]) from None


def workflow(
    name: str, *, version: int = 1, warm_only: bool = False, operator: bool = False, keep: timedelta | None = None
) -> Callable[[Code], Definition]:
    """Makes a workflow of an async function `(step, params)`; `params` is validated as it is annotated.

    The code is run again from its beginning whenever the workflow goes on, with every step that is recorded answered from the
    journal. So it must take the same path: all that is not the same each time belongs into a step.
    """

    def define(code: Code) -> Definition:
        hints = {key: hint for key, hint in get_type_hints(code).items() if key != "return"}
        kind = list(hints.values())[1] if len(hints) > 1 else Any
        return Definition(name, code, TypeAdapter(kind), version, warm_only, operator, keep)

    return define


class Library:
    """The workflows that a worker knows."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self._known: Mapping[str, Definition] = {definition.name: definition for definition in definitions}

    def find(self, name: str) -> Definition | None:
        """The workflow of this name, if it is known here."""
        return self._known.get(name)

    def need(self, name: str, *, operator: bool = False) -> Definition:
        """The same, raising UnknownWorkflowType; what is the operator's is unknown to others."""
        found = self.find(name)
        if found is None or (found.operator and not operator):
            raise UnknownWorkflowType
        return found
