"""What pydantic found wrong with a request, said to the client without repeating what it sent."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import Invalid

MAX_PROBLEMS = 10


def explained(errors: Iterable[Mapping[str, Any]]) -> Invalid:
    """The fault that names the fields and what is wrong with them."""
    problems = [_problem(error) for error, _ in zip(errors, range(MAX_PROBLEMS), strict=False)]
    first = problems[0] if problems else {"field": "body", "message": "is not valid"}
    return Invalid(f"{first['field']}: {first['message']}", problems=problems, param=first["field"])


def _problem(error: Mapping[str, Any]) -> dict[str, str]:
    # What a client wrote may be part of the location (unknown fields): bounded, and escaped by JSON.
    place = ".".join(str(part)[:64] for part in list(error["loc"])[:8]) or "body"
    return {"field": place.removeprefix("body."), "message": str(error["msg"]).removeprefix("Value error, ")[:300]}
