"""Tokens: who signed them, for whom, until when (S1, RFC 8725). The token never chooses how it is checked."""

import asyncio
import binascii
import json
import re
import time
from base64 import urlsafe_b64decode
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import jwt
from jwt import PyJWK
from starlette.types import Scope

from gateway.adapters.jwks import KeySet
from gateway.exchange import header
from gateway.faults import CrossOrigin, Misconfigured
from gateway.identity import MAX_COOKIE_BYTES, MAX_USER_LENGTH, Identity, token_cookie, token_of
from gateway.origin import READS
from gateway.settings import GatewaySettings
from shared.errors import Unauthenticated

MIN_SECRET_BYTES = 32
MAX_TOKEN_BYTES = 8 * 1024
MAX_SECONDS = 30 * 86_400.0
"""A stream ends with its token, but not later than this: timers can't count much further."""
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
SYMMETRIC = frozenset({"HS256", "HS384", "HS512"})
# Which kinds of key an algorithm may be used with: no RSA key as an HMAC secret, no curve of another algorithm.
KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
TYPES = frozenset({"JWT", "AT+JWT", "APPLICATION/JWT", "APPLICATION/AT+JWT"})


@dataclass(frozen=True, slots=True)
class Trust:
    """An issuer whose tokens are believed, for one audience, with its own keys and no others."""

    issuer: str | None
    audience: str | None
    algorithms: frozenset[str]
    secret: bytes | None
    keys: KeySet | None
    leeway: float
    only_party: bool = False
    """Tokens that name another party they were made for (`azp`) are not for us (OpenID Connect Core, 3.1.3.7)."""

    async def claims(self, token: str) -> dict[str, Any]:
        """What a token says. Raises Unauthenticated."""
        try:
            protected = _protected(token)
            key = await self._key(protected)
            claims = jwt.decode(
                token,
                key=key,
                algorithms=[protected["alg"]],
                issuer=self.issuer,
                audience=self.audience,
                leeway=self.leeway,
                options={
                    "require": ["exp", "sub"],
                    "verify_aud": self.audience is not None,
                    "strict_aud": False,
                    "enforce_minimum_key_length": True,
                },
            )
            _segment(token.split(".")[1])
            float(claims["exp"])  # an integer can be longer than any moment
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise Unauthenticated from None
        _check_subject(claims)
        if self.only_party and claims.get("azp", self.audience) != self.audience:
            raise Unauthenticated
        return claims

    async def _key(self, header: dict[str, Any]) -> bytes | PyJWK:
        """The key to check with: by our settings; the token only names one of ours. Raises ValueError."""
        algorithm = header["alg"]
        if algorithm not in self.algorithms:
            raise ValueError(algorithm)
        if algorithm in SYMMETRIC:
            return cast("bytes", self.secret)
        key = await cast("KeySet", self.keys).key(header.get("kid"))
        if key is None or key.key_type != KEY_TYPES[algorithm[:2]] or key.algorithm_name != algorithm:
            raise ValueError("no such key")
        return key


class JwtAuthenticator:
    """Knows users by tokens in a header, or in a cookie that was traded for one."""

    def __init__(self, settings: GatewaySettings, keys: KeySet | None, provided: KeySet | None = None) -> None:
        """`keys` are those of GATEWAY_JWKS_URL, `provided` those of the OpenID provider."""
        self._settings = settings
        self._provider = None if provided is None else _of_provider(settings, provided)
        general = _general(settings, keys)
        self._trusted = [trust for trust in (general, self._provider) if trust is not None and trust.algorithms]

    async def identify(self, scope: Scope) -> Identity:
        """Raises Unauthenticated, always the same whatever was wrong."""
        found = token_of(scope, cf_access=self._settings.cf_access)
        if found is None:
            raise Unauthenticated
        token, by_cookie = found
        if by_cookie and scope.get("method") not in READS and header(scope, b"origin") is None:
            raise CrossOrigin  # the browser added the cookie by itself; the doorman has looked at the Origin there is
        claims = await self._claims(token)
        left = min(float(claims["exp"]) + self._settings.jwt_leeway - time.time(), MAX_SECONDS)
        return Identity(claims["sub"], asyncio.get_running_loop().time() + left)

    async def session(self, scope: Scope) -> tuple[Identity, str]:
        """A cookie that holds the token."""
        identity = await self.identify(scope)
        token, _ = token_of(scope, cf_access=self._settings.cf_access) or ("", False)
        if len(token) > MAX_COOKIE_BYTES:
            raise Unauthenticated
        claims = await self._claims(token)
        return identity, token_cookie(token, max(0, int(float(claims["exp"]) - time.time())))

    async def provided(self, token: str) -> dict[str, Any]:
        """What an id token of the provider says; of nobody else's. Raises Unauthenticated."""
        if self._provider is None:
            raise Unauthenticated
        return await self._provider.claims(token)

    async def _claims(self, token: str) -> dict[str, Any]:
        for trust in self._trusted:
            with suppress(Unauthenticated):
                return await trust.claims(token)
        raise Unauthenticated


def _general(settings: GatewaySettings, keys: KeySet | None) -> Trust:
    """What GATEWAY_JWT_… says. Where there is a provider, GATEWAY_JWKS_URL has the keys of that issuer and of no other."""
    if settings.oidc_issuer is not None and settings.jwt_issuer not in {None, settings.oidc_issuer}:
        keys = None
    secret = secret_of(settings)
    algorithms = _usable(settings.jwt_algorithms, secret=secret is not None, keys=keys is not None)
    return Trust(settings.jwt_issuer, settings.jwt_audience, algorithms, secret, keys, settings.jwt_leeway)


def _of_provider(settings: GatewaySettings, keys: KeySet) -> Trust:
    algorithms = _usable(settings.jwt_algorithms, secret=False, keys=True)
    return Trust(settings.oidc_issuer, settings.oidc_client_id, algorithms, None, keys, settings.jwt_leeway, only_party=True)


def secret_of(settings: GatewaySettings) -> bytes | None:
    """The secret of symmetric tokens. Raises Misconfigured when it could be guessed."""
    if settings.jwt_secret is None:
        return None
    secret = settings.jwt_secret.get_secret_value().encode()
    if len(secret) < MIN_SECRET_BYTES:
        raise Misconfigured(f"GATEWAY_JWT_SECRET must have at least {MIN_SECRET_BYTES} bytes.")
    return secret


def _usable(algorithms: tuple[str, ...], *, secret: bool, keys: bool) -> frozenset[str]:
    """Of the allowed algorithms those that there are keys for."""
    return frozenset(
        name
        for name in algorithms
        if (name in SYMMETRIC and secret) or (name not in SYMMETRIC and keys and name[:2] in KEY_TYPES)
    )


def _protected(token: str) -> dict[str, Any]:
    """The header of a token, if it asks for nothing we don't do. Raises ValueError."""
    if len(token) > MAX_TOKEN_BYTES or _FORM.fullmatch(token) is None:
        raise ValueError("not a token")
    header = _segment(token.split(".", maxsplit=1)[0])
    kind = header.get("typ", "JWT")
    if "crit" in header or header.get("b64", True) is not True or not isinstance(kind, str) or kind.upper() not in TYPES:
        raise ValueError("not a token for us")
    if not isinstance(header.get("alg"), str) or not isinstance(header.get("kid", ""), str):
        raise ValueError("not a token for us")
    return header


def _segment(text: str) -> dict[str, Any]:
    """A part of a token. A name that comes twice could be read differently by two readers. Raises ValueError."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    value: Any = json.loads(raw, object_pairs_hook=_unique)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return cast("dict[str, Any]", value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name comes twice")
    return value


def _check_subject(claims: dict[str, Any]) -> None:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_USER_LENGTH:
        raise Unauthenticated
    try:
        subject.encode()
    except UnicodeEncodeError:
        raise Unauthenticated from None
