"""An OpenID provider over HTTP. What it is asked and what it answers is secret: only words of the protocol are logged (S14)."""

import asyncio
import re
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote_plus

import httpx
import structlog
from pydantic import ValidationError
from pydantic_core import from_json

from gateway.adapters.fetching import FAILURES, fetched, is_safe
from gateway.faults import ProviderDown
from gateway.provider import Discovered, ProviderRefused, Tokens
from gateway.settings import GatewaySettings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MAX_BYTES = 256 * 1024
FRESH_SECONDS = 3_600.0
STALE_SECONDS = 86_400.0
"""How long the document is used when the provider can't be reached."""
TOKEN_SECONDS = 15.0
"""For an answer with tokens: a refresh token that rotates is lost with the answer that nobody waited for."""
RETRY_SECONDS = 2.0
"""Between two fetches that failed: no flood of people is passed on to a provider that is down."""
WELL_KNOWN = "/.well-known/openid-configuration"
_WORD = re.compile(r"[a-z_]{1,40}")


class OpenIdProvider:
    """The provider that the settings name. Its document is fetched once for all who wait."""

    def __init__(
        self, client: httpx.AsyncClient, settings: GatewaySettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._issuer = settings.oidc_issuer or ""
        self._id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret
        self._clock = clock
        self._known: Discovered | None = None
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._one = asyncio.Lock()

    async def discovered(self) -> Discovered:
        """What it says about itself. Raises ProviderDown."""
        if self._wants_fetch():
            async with self._one:
                if self._wants_fetch():
                    await self._fetch()
        if self._known is None or self._clock() - self._fetched > STALE_SECONDS:
            raise ProviderDown
        return self._known

    async def jwks_uri(self) -> str:
        """Where its keys are. Raises ProviderDown."""
        return (await self.discovered()).jwks_uri

    async def tokens(self, **form: str) -> Tokens:
        """The tokens for a grant. Raises ProviderDown, ProviderRefused."""
        known = await self.discovered()
        status, body = await self._posted(known.token_endpoint, known, form)
        if status >= 500 or status == 429:
            log.warning("oidc.no_tokens", status=status)
            raise ProviderDown
        if status != 200:
            word = _word_of(body)
            log.warning("oidc.refused", status=status, error=word)
            raise ProviderRefused(word)
        try:
            return Tokens.model_validate_json(body)
        except ValidationError:
            log.warning("oidc.no_tokens", status=status)
            raise ProviderRefused("no tokens") from None

    async def revoke(self, token: str) -> None:
        """Makes a refresh token worthless, if the provider can do that and can be reached."""
        with suppress(ProviderDown):
            known = await self.discovered()
            if known.revocation_endpoint is not None:
                await self._posted(known.revocation_endpoint, known, {"token": token, "token_type_hint": "refresh_token"})

    def _wants_fetch(self) -> bool:
        now = self._clock()
        return now - self._fetched > FRESH_SECONDS and now - self._tried > RETRY_SECONDS

    async def _fetch(self) -> None:
        self._tried = self._clock()
        try:
            status, body = await fetched(self._client, self._issuer.removesuffix("/") + WELL_KNOWN, limit=MAX_BYTES)
            if status != 200:
                raise ValueError(str(status))
            self._known = _checked(Discovered.model_validate_json(body), self._issuer)
        except FAILURES as error:  # a ValidationError is a ValueError
            log.warning("oidc.not_discovered", reason=type(error).__name__, known=self._known is not None)
            return
        self._fetched = self._clock()
        log.info("oidc.discovered", issuer=self._issuer)

    async def _posted(self, url: str, known: Discovered, form: dict[str, str]) -> tuple[int, bytes]:
        headers, proof = self._proof(known.token_endpoint_auth_methods_supported)
        try:
            return await fetched(
                self._client, url, limit=MAX_BYTES, seconds=TOKEN_SECONDS, form={**form, **proof}, headers=headers
            )
        except FAILURES as error:
            log.warning("oidc.unreachable", reason=type(error).__name__)
            raise ProviderDown from None

    def _proof(self, methods: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and fields that say which client asks (RFC 6749, section 2.3.1)."""
        if self._secret is None:
            return {}, {"client_id": self._id}
        secret = self._secret.get_secret_value()
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            return {}, {"client_id": self._id, "client_secret": secret}
        pair = f"{quote_plus(self._id)}:{quote_plus(secret)}"
        return {"authorization": "Basic " + b64encode(pair.encode()).decode()}, {}


def _checked(found: Discovered, issuer: str) -> Discovered:
    """The document, if it is this issuer's own and names only addresses that may be used. Raises ValueError."""
    if found.issuer != issuer:
        log.warning("oidc.another_issuer", configured=issuer, found=found.issuer)
        raise ValueError("another issuer")
    loopback = not issuer.startswith("https:")
    named = (
        found.authorization_endpoint,
        found.token_endpoint,
        found.jwks_uri,
        found.end_session_endpoint,
        found.revocation_endpoint,
    )
    if not all(is_safe(url, loopback=loopback) for url in named if url is not None):
        log.warning("oidc.unsafe_address", issuer=issuer)
        raise ValueError("an unsafe address")
    return found


def _word_of(body: bytes) -> str:
    """The error's name; nothing else of what the provider writes is let in."""
    try:
        value: Any = from_json(body)
    except ValueError:
        return "unknown"
    word = value.get("error") if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return word if isinstance(word, str) and _WORD.fullmatch(word) else "unknown"
