"""Arguments against a tool's schema, which a stranger may have written: no pattern is run, nothing is fetched, and it ends."""

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final, cast

import jsonschema.validators
from jsonschema import Draft202012Validator
from jsonschema.exceptions import UnknownType, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

STEPS: Final = 2_000
"""Keywords that are looked at for one call: references of references can ask for any number."""

LONGEST: Final = 300
"""Characters of a sentence about what is wrong."""

_NAMED: Final = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
"""Below these the keys are names, no keywords."""

_NOTHING_FETCHED: Final[Any] = cast("Callable[[], Any]", Registry)()

_left: ContextVar[int] = ContextVar("steps", default=STEPS)

Check = Callable[..., "Iterator[ValidationError] | None"]


class _Endless(Exception):
    pass


def problem_with(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str | None:
    """What is wrong with these arguments, in a sentence; None when nothing is, or only the server can tell."""
    spent = _left.set(STEPS)
    try:
        validator = _Limited(readable(schema), registry=_NOTHING_FETCHED)
        error = next(validator.iter_errors(dict(arguments)), None)
    except Unresolvable:
        return None
    except (_Endless, RecursionError):
        return "The schema of this tool is too complicated to be checked."
    except (UnknownType, LookupError, TypeError, ValueError, AttributeError, ArithmeticError):  # A schema that is none.
        return "The schema of this tool can't be read."
    finally:
        _left.reset(spent)
    return None if error is None else f"{error.json_path}: {error.message}"[:LONGEST]


def readable(schema: Any, *, names: bool = False) -> Any:
    """The schema without regular expressions: some take time without end."""
    if isinstance(schema, list):
        return [readable(one) for one in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    fields = cast("dict[str, Any]", schema)
    if names:
        return {key: readable(value) for key, value in fields.items()}
    left_out = {"pattern", "patternProperties", "$schema"}
    if "patternProperties" in fields:
        left_out |= {"additionalProperties", "unevaluatedProperties"}
    kept = {key: value for key, value in fields.items() if key not in left_out}
    return {key: value if key in ("enum", "const") else readable(value, names=key in _NAMED) for key, value in kept.items()}


def _counted(check: Check) -> Check:
    def run(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        left = _left.get()
        if left <= 0:
            raise _Endless
        _left.set(left - 1)
        yield from check(validator, value, instance, schema) or ()

    return run


_extend = cast("Callable[..., Any]", jsonschema.validators.extend)  # pyright: ignore[reportUnknownMemberType]
_Limited = _extend(
    Draft202012Validator,
    {name: _counted(check) for name, check in cast("dict[str, Check]", Draft202012Validator.VALIDATORS).items()},
)
