"""How a fault looks to the client: one shape for our own routes, OpenAI's under /v1."""

import json
import math
from typing import Any

from shared.errors import Busy, Fault, Unauthenticated

JSON = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")
_OPENAI_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_OPENAI_CODES = {"unknown_model": "model_not_found", "unauthenticated": "invalid_api_key"}

Header = tuple[bytes, bytes]


def problem(fault: Fault, request_id: str) -> dict[str, Any]:
    """The `error` object. Details can't replace what every error has."""
    return {**fault.details, "code": fault.code, "message": str(fault), "requestId": request_id}


def openai_problem(fault: Fault) -> dict[str, Any]:
    """The `error` object as the openai libraries read it."""
    kind = _OPENAI_TYPES.get(fault.status, "invalid_request_error" if fault.status < 500 else "server_error")
    code = _OPENAI_CODES.get(fault.code, fault.code)
    return {"message": str(fault), "type": kind, "param": fault.details.get("param"), "code": code}


def rendered(fault: Fault, path: str, request_id: str) -> tuple[int, list[Header], bytes]:
    """Status, headers and body of a fault as the answer to a request of this path."""
    openai = path.startswith("/v1/")
    error = openai_problem(fault) if openai else problem(fault, request_id)
    status = 400 if openai and fault.status == 422 else fault.status
    body = json.dumps({"error": error}, ensure_ascii=True).encode()
    headers = [JSON, NO_STORE, (b"content-length", str(len(body)).encode())]
    if isinstance(fault, Busy):
        headers.append((b"retry-after", str(max(1, math.ceil(fault.retry_after))).encode()))
    if isinstance(fault, Unauthenticated):
        headers.append((b"www-authenticate", b"Bearer"))
    if "allow" in fault.details:
        headers.append((b"allow", str(fault.details["allow"]).encode()))
    return status, headers, body
