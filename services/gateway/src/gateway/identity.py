"""Who is asking: how a request shows it, and how `dev` believes it."""

import re
import secrets
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from starlette.types import Scope

from gateway.exchange import cookie, exchange_of, header, query
from gateway.faults import BadRequest

MAX_USER_LENGTH = 255
GUEST_COOKIE = "colloquy_session"
TOKEN_COOKIE = "__Host-colloquy"  # noqa: S105 - a name
REFRESH_COOKIE = "__Host-colloquy-refresh"
MAX_COOKIE_BYTES = 3_800
"""Browsers keep 4,096 bytes of a cookie, its name and its attributes."""
_GUEST = re.compile(r"^guest-[0-9a-f]{32}$")
_YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Identity:
    """A user. `expires` is a time of the event loop's clock after which nothing more may be sent to them."""

    user: str
    expires: float | None = None
    url_query: str = ""
    """What an address for this user must carry to be usable as it is."""


class Authenticator(Protocol):
    """How this installation knows its users."""

    async def identify(self, scope: Scope) -> Identity:
        """Who sent this request. Raises Unauthenticated."""
        ...

    async def session(self, scope: Scope) -> tuple[Identity, str]:
        """For browsers that can't set headers: the identity, and the Set-Cookie value that proves it from now on."""
        ...


class DevAuthenticator:
    """Believes `?user=NAME`; everybody else is an anonymous guest, one for each browser."""

    async def identify(self, scope: Scope) -> Identity:
        """The named user, or the guest of the cookie, or a new guest who gets one."""
        name = query(scope).get("user")
        if name is not None:
            return Identity(checked_user(name), url_query="user=" + quote(name, safe=""))
        guest = cookie(scope, GUEST_COOKIE)
        if guest and _GUEST.match(guest):
            return Identity(guest)
        guest = "guest-" + secrets.token_hex(16)
        exchange_of(scope).headers.append((b"set-cookie", _guest_cookie(guest).encode()))
        return Identity(guest)

    async def session(self, scope: Scope) -> tuple[Identity, str]:
        """The guest of this browser."""
        identity = await self.identify(scope)
        guest = identity.user if _GUEST.match(identity.user) else "guest-" + secrets.token_hex(16)
        return identity, _guest_cookie(guest)


def checked_user(name: str) -> str:
    """A user id: any text in UTF-8 of 1 to 255 characters. Raises BadRequest."""
    if not 0 < len(name) <= MAX_USER_LENGTH or not _has_utf8(name):
        raise BadRequest("A user is named by 1 to 255 characters.")
    return name


def token_of(scope: Scope, *, cf_access: bool) -> tuple[str, bool] | None:
    """The token a request carries, and whether the browser added it by itself."""
    scheme, _, token = (header(scope, b"authorization") or "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip(), False
    if cf_access and (assertion := header(scope, b"cf-access-jwt-assertion")):
        return assertion, False
    kept = cookie(scope, TOKEN_COOKIE)
    return (kept, True) if kept else None


def token_cookie(token: str, seconds: int) -> str:
    """Keeps a token where scripts can't read it and other sites can't use it."""
    return f"{TOKEN_COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}"


def refresh_cookie(value: str, seconds: int) -> str:
    """Keeps what renews a session, as safe as the session itself."""
    return f"{REFRESH_COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}"


def forgotten_cookies() -> tuple[str, ...]:
    """Makes a browser forget who it was."""
    return (*forgotten_session(), f"{GUEST_COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")


def forgotten_session() -> tuple[str, str]:
    """Makes a browser forget its token, and what would renew it."""
    return token_cookie("", 0), refresh_cookie("", 0)


def _guest_cookie(guest: str) -> str:
    return f"{GUEST_COOKIE}={guest}; Path=/; HttpOnly; SameSite=Lax; Max-Age={_YEAR}"


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
