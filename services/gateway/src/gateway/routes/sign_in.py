"""Signing in with an OpenID provider: the browser is sent there, comes back, and has its session in cookies of its own."""

from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from gateway.exchange import cookie, exchange_of, header
from gateway.faults import CrossOrigin
from gateway.identity import REFRESH_COOKIE, TOKEN_COOKIE, forgotten_session
from gateway.origin import own_origin
from gateway.parts import sign_in_of
from gateway.replies import SessionRenewed, Shown, shows
from gateway.sign_in import KEY_COOKIE, SignIn, key_cookie, key_of, safe_back
from shared.errors import Fault, Unauthenticated

router = APIRouter(prefix="/api/v1/session", tags=["session"])

R = TypeVar("R", bound=Response)
Ways = Annotated[SignIn, Depends(sign_in_of)]
Text = Annotated[str, Query()]
MaybeText = Annotated[str | None, Query()]

AWAY: Shown = {303: {"description": "To the provider; to the page with `trouble`, the code of an error, if it can't be."}}
HOME: Shown = {303: {"description": "To the page; with `trouble`, the code of an error, if it did not work."}}


@router.get("/login", status_code=303, response_class=Response, responses=AWAY)
async def login(request: Request, sign_in: Ways, back: Text = "") -> Response:
    """For browsers: begins to sign in. `back` is the fragment of the page to come back to, such as `#/c/…`."""
    key = key_of(cookie(request.scope, KEY_COOKIE))
    try:
        place = await sign_in.begun(own_origin(request.scope, sign_in.settings), key, back)
    except Fault as fault:
        return _shown(request, fault, safe_back(back))
    return _sent(place, key_cookie(key))


@router.get("/callback", status_code=303, response_class=Response, responses=HOME)
async def callback(
    request: Request,
    sign_in: Ways,
    state: Text = "",
    code: MaybeText = None,
    error: MaybeText = None,
    iss: MaybeText = None,
) -> Response:
    """Where the provider sends the browser back to: this address is to be registered there."""
    key = cookie(request.scope, KEY_COOKIE)
    answer = {"state": state, "code": code, "error": error, "iss": iss}
    back = ""
    try:
        back = sign_in.back_of(key, state)
        session = await sign_in.finished(
            own_origin(request.scope, sign_in.settings), key, {name: text for name, text in answer.items() if text is not None}
        )
    except Fault as fault:
        return _shown(request, fault, back)
    return _sent("/" + session.back, *session.cookies, key_cookie("", 0))


@router.post("/refresh", responses=shows(SessionRenewed))
async def refresh(request: Request, sign_in: Ways) -> JSONResponse:
    """Renews the session by its refresh cookie. 401 when it's over for good: then sign in again."""
    if header(request.scope, b"origin") is None:
        raise CrossOrigin  # as for every write with a cookie
    try:
        session = await sign_in.renewed(cookie(request.scope, REFRESH_COOKIE))
    except Unauthenticated:
        exchange_of(request.scope).headers.extend((b"set-cookie", each.encode()) for each in forgotten_session())
        raise
    answer = JSONResponse({"userId": session.user, "expiresIn": session.seconds})
    return _with_cookies(answer, *session.cookies)


@router.get("/logout", status_code=303, response_class=Response, responses=HOME)
async def logout(request: Request, sign_in: Ways) -> Response:
    """For browsers: signs out here and at the provider. Sent by another site it does nothing: no cookies come along."""
    token, kept = (cookie(request.scope, name) for name in (TOKEN_COOKIE, REFRESH_COOKIE))
    if not token and not kept:
        return _sent("/")
    answer = _sent(await sign_in.left(own_origin(request.scope, sign_in.settings), token), *forgotten_session())
    if kept:
        answer.background = BackgroundTask(sign_in.forgotten, kept)  # nobody waits for a provider that is slow
    return answer


def _sent(place: str, *cookies: str) -> Response:
    return _with_cookies(RedirectResponse(place, 303), *cookies)


def _with_cookies(answer: R, *cookies: str) -> R:
    for each in cookies:
        answer.headers.append("set-cookie", each)
    return answer


def _shown(request: Request, fault: Fault, back: str) -> Response:
    """A person sees it on our page, which has a sentence for each code; a program gets the error itself."""
    if "text/html" not in (header(request.scope, b"accept") or ""):
        raise fault
    return _sent(f"/?trouble={fault.code}{back}")
