"""Other services of the operator, known by one token that is not a user's."""

import hmac
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.types import Scope

from gateway.exchange import header
from gateway.faults import NoServiceToken
from gateway.parts import Here
from gateway.settings import GatewaySettings
from shared.errors import Forbidden, Unauthenticated


def check_service(scope: Scope, settings: GatewaySettings) -> None:
    """Raises NoServiceToken when none is set, Unauthenticated without a token, Forbidden with any other one."""
    if settings.service_token is None:
        raise NoServiceToken
    scheme, _, token = (header(scope, b"authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("This call is for services: send Authorization: Bearer with the service token.")
    known = settings.service_token.get_secret_value()
    if not hmac.compare_digest(token.strip().encode(), known.encode()):
        raise Forbidden("That is not the service token.")


async def service_of(request: Request, parts: Here) -> str:
    """Who of the operator's services is asking. Raises what `check_service` raises, before a body is looked at."""
    check_service(request.scope, parts.settings)
    return "service"


Service = Annotated[str, Depends(service_of)]
