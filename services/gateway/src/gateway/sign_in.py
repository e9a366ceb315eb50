"""Signing in with an OpenID provider, so that no gateway has to remember anybody (RFC 10017, RFC 9700).

What a sign-in must remember is a key in a cookie of the browser that began it: `state` is sealed with it, and the nonce and the
PKCE verifier are made from both. So any gateway can go on, and what was begun in another browser opens with no key.
"""

import hmac
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import structlog
from cryptography.fernet import Fernet, InvalidToken

from gateway.faults import ProviderDown, SignInDenied, SignInExpired, SignInFailed
from gateway.identity import MAX_COOKIE_BYTES, refresh_cookie, token_cookie
from gateway.provider import INVALID_GRANT, Discovered, Provider, ProviderRefused, Tokens
from gateway.settings import GatewaySettings
from shared.errors import Unauthenticated

log: structlog.stdlib.BoundLogger = structlog.get_logger()

CALLBACK = "/api/v1/session/callback"
KEY_COOKIE = "__Host-colloquy-sign-in"
SECONDS = 600
"""How long somebody may take at the provider's page."""
REFRESH_SECONDS = 30 * 86_400
"""How long a browser that isn't used keeps what renews its session; the provider may be stricter."""
CODE_LENGTH = 4_096
COOKIE_SAFE = "!#$&'()*+-./:<=>?@[]^_`{|}~"
_BACK = re.compile(r"#[A-Za-z0-9/_-]{0,200}")
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
_DENIED = frozenset({"access_denied", "consent_required", "interaction_required", "login_required"})
_LATER = frozenset({"temporarily_unavailable", "server_error"})

Check = Callable[[str], Awaitable[dict[str, Any]]]
"""The claims of an id token of the provider. Raises Unauthenticated."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody is signed in: the cookies that say so, and where on the page they were."""

    user: str
    seconds: int
    cookies: tuple[str, ...]
    back: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Begins, finishes, renews and ends the sessions of one provider."""

    settings: GatewaySettings
    provider: Provider
    check: Check
    now: Callable[[], float] = time.time

    async def begun(self, origin: str, key: str, back: str) -> str:
        """The address at the provider to send somebody to. Raises ProviderDown."""
        known = await self.provider.discovered()
        state = _box(key).encrypt_at_time(safe_back(back).encode(), int(self.now())).decode()
        wanted = {
            **dict(parse_qsl(self.settings.oidc_parameters)),
            "response_type": "code",
            "client_id": self.settings.oidc_client_id,
            "redirect_uri": origin + CALLBACK,
            "scope": self.settings.oidc_scopes,
            "state": state,
            "nonce": _made_of(key, "nonce", state),
            "code_challenge": _text(sha256(_made_of(key, "verifier", state).encode()).digest()),
            "code_challenge_method": "S256",
        }
        return _with(known.authorization_endpoint, wanted)

    def back_of(self, key: str | None, state: str) -> str:
        """Where the one who began this wants to go. Raises SignInExpired when it wasn't this browser, or long ago."""
        try:
            return _box(key or "").decrypt_at_time(state.encode(), SECONDS, int(self.now())).decode()
        except (InvalidToken, UnicodeEncodeError):
            raise SignInExpired from None

    async def finished(self, origin: str, key: str | None, answer: Mapping[str, str]) -> Session:
        """The session for what the provider answered through the browser.

        Raises SignInExpired, SignInDenied, SignInFailed, ProviderDown.
        """
        state = answer.get("state", "")
        back = self.back_of(key, state)
        _check_issuer(await self.provider.discovered(), answer.get("iss"))
        if (error := answer.get("error")) is not None:
            raise _fault_of(error)
        code = answer.get("code", "")
        if not 0 < len(code) <= CODE_LENGTH:
            raise SignInFailed
        verifier = _made_of(key or "", "verifier", state)
        tokens = await self.provider.tokens(
            grant_type="authorization_code", code=code, redirect_uri=origin + CALLBACK, code_verifier=verifier
        )
        try:
            claims = await self.check(tokens.id_token or "")
        except Unauthenticated:
            log.warning("oidc.token_not_believed")
            raise SignInFailed from None
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), _made_of(key or "", "nonce", state).encode()):
            log.warning("oidc.another_nonce")
            raise SignInFailed
        return self._session(tokens, claims, back)

    async def renewed(self, kept: str | None) -> Session:
        """A new session for what the cookie of the last one holds. Raises Unauthenticated when it's over, ProviderDown."""
        mark, refresh = _unpacked(kept or "")
        try:
            tokens = await self.provider.tokens(grant_type="refresh_token", refresh_token=refresh)
        except ProviderRefused as refused:
            # Only this word is about the token. With the others it is this server that is refused: its operator's business.
            raise (Unauthenticated if refused.word == INVALID_GRANT else ProviderDown) from None
        claims = await self.check(tokens.id_token or "")
        if _mark(claims["sub"]) != mark:
            log.warning("oidc.another_subject")
            raise Unauthenticated
        return self._session(Tokens(id_token=tokens.id_token, refresh_token=tokens.refresh_token or refresh), claims, "")

    async def forgotten(self, kept: str) -> None:
        """Makes what would renew a session worthless for everybody, if the provider can do that and can be reached."""
        with suppress(Unauthenticated):
            await self.provider.revoke(_unpacked(kept)[1])

    async def left(self, origin: str, token: str | None) -> str:
        """Where to send somebody who signs out: to the provider, if it can end the session there, or to our page."""
        try:
            end = (await self.provider.discovered()).end_session_endpoint
        except ProviderDown:
            end = None
        if end is None:
            return "/"
        wanted = {"client_id": self.settings.oidc_client_id, "post_logout_redirect_uri": origin + "/"}
        with suppress(Unauthenticated):  # a token of somebody else is none of the provider's business
            await self.check(token or "")
            wanted["id_token_hint"] = token or ""
        return _with(end, wanted)

    def _session(self, tokens: Tokens, claims: dict[str, Any], back: str) -> Session:
        token = tokens.id_token or ""
        if len(token) > MAX_COOKIE_BYTES:
            log.warning("oidc.token_too_large", bytes=len(token), limit=MAX_COOKIE_BYTES)
            raise SignInFailed
        seconds = max(0, int(float(claims["exp"]) - self.now()))
        cookies = [token_cookie(token, seconds)]
        if tokens.refresh_token is not None:
            value = f"{_mark(claims['sub'])}.{quote(tokens.refresh_token, safe=COOKIE_SAFE)}"
            if len(value) <= MAX_COOKIE_BYTES:
                cookies.append(refresh_cookie(value, REFRESH_SECONDS))
            else:
                log.warning("oidc.refresh_token_too_large", bytes=len(value), limit=MAX_COOKIE_BYTES)
        return Session(cast("str", claims["sub"]), seconds, tuple(cookies), back)


def key_of(kept: str | None) -> str:
    """The key that this browser has already, in another tab perhaps, or a new one."""
    return kept if kept and _KEY.fullmatch(kept) else Fernet.generate_key().decode().rstrip("=")


def key_cookie(key: str, seconds: int = SECONDS) -> str:
    """Lax: it must come along when the provider sends the browser back."""
    return f"{KEY_COOKIE}={key}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}"


def safe_back(back: str) -> str:
    """A place on our own page, or its beginning."""
    return back if _BACK.fullmatch(back) else ""


def _box(key: str) -> Fernet:
    if not _KEY.fullmatch(key):
        raise SignInExpired
    return Fernet(key + "=")


def _made_of(key: str, purpose: str, state: str) -> str:
    return _text(hmac.digest(key.encode(), f"{purpose}:{state}".encode(), "sha256"))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _with(address: str, parameters: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(parameters)}"


def _check_issuer(known: Discovered, named: str | None) -> None:
    """Who answers must be who was asked (RFC 9207). Raises SignInFailed."""
    if named is None and not known.authorization_response_iss_parameter_supported:
        return
    if named != known.issuer:
        log.warning("oidc.answer_of_another_issuer")
        raise SignInFailed


def _fault_of(error: str) -> SignInDenied | SignInFailed | ProviderDown:
    if error in _DENIED:
        return SignInDenied()
    if error in _LATER:
        return ProviderDown()
    log.warning("oidc.refused", error=error if re.fullmatch("[a-z_]{1,40}", error) else "unknown")
    return SignInFailed()


def _mark(subject: str) -> str:
    """Whose refresh token it is: it may only ever renew the session of the same person (OpenID Connect Core, 12.2)."""
    return _text(sha256(subject.encode()).digest()[:12])


def _unpacked(kept: str) -> tuple[str, str]:
    """Mark and refresh token. Raises Unauthenticated."""
    mark, dot, refresh = kept.partition(".")
    token = unquote(refresh)
    if not dot or not re.fullmatch("[!-~ ]{1,4096}", token):
        raise Unauthenticated
    return mark, token
