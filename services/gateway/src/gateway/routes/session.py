"""Sessions of browsers that can't set headers."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.identity import forgotten_session
from gateway.parts import Here
from gateway.replies import SessionOpened, shows

router = APIRouter(prefix="/api/v1/session", tags=["session"])


@router.post("", responses=shows(SessionOpened))
async def open_session(request: Request, parts: Here) -> JSONResponse:
    """Trades a token for a cookie that lives as long as the token; scripts can't read it, other sites can't use it."""
    identity, cookie = await parts.authenticator.session(request.scope)
    return JSONResponse({"userId": identity.user}, headers={"set-cookie": cookie})


@router.delete("", status_code=204)
async def close_session() -> Response:
    """Forgets the cookie, and what would renew it."""
    answer = Response(status_code=204)
    for cookie in forgotten_session():
        answer.headers.append("set-cookie", cookie)
    return answer
