"""Workflows that others have written: modules that the operator names."""

import importlib
from collections.abc import Iterable, Iterator

from shared.errors import Invalid
from workflow.definition import Definition


def authored(modules: Iterable[str]) -> Iterator[Definition]:
    """Every definition that these modules hold. Raises Invalid for a module that there is not, or that holds none."""
    for name in modules:
        try:
            held = vars(importlib.import_module(name)).values()
        except ModuleNotFoundError as error:
            raise Invalid(f"WORKFLOW_MODULES: there is no module {error.name!r}.") from None
        found = [value for value in held if isinstance(value, Definition)]
        if not found:
            raise Invalid(f"WORKFLOW_MODULES: {name!r} holds no workflow.")
        yield from found
