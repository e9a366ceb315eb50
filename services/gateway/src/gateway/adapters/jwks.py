"""Public keys of an issuer: fetched, kept for minutes, fetched again when one is unknown, but not too often (S2)."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, cast

import httpx
import structlog
from jwt import InvalidKeyError, PyJWK, PyJWKError, PyJWTError
from pydantic_core import from_json

from gateway.adapters.fetching import FAILURES, checked_url, fetched
from gateway.faults import ProviderDown
from gateway.settings import GatewaySettings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MAX_BYTES = 256 * 1024
MAX_KEYS = 100
MAX_UNKNOWN = 1_024
UNKNOWN_SECONDS = 60.0
STALE_SECONDS = 3_600.0
"""How long keys are used when their issuer can't be reached."""


class KeySet:
    """The keys of one address, which may have to be asked for. One fetch at a time, for all who wait."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        settings: GatewaySettings,
        clock: Callable[[], float] = time.monotonic,
        place: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self._client = client
        self._url = checked_url(settings.jwks_url or "") if place is None else ""
        self._place = place
        self._fresh_seconds = settings.jwks_cache
        self._cooldown = settings.jwks_cooldown
        self._clock = clock
        self._keys: dict[str | None, PyJWK] = {}
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._one = asyncio.Lock()

    async def key(self, kid: str | None) -> PyJWK | None:
        """The key of this name; without a name the only one there is."""
        if self._wants_fetch(kid):
            async with self._one:
                if self._wants_fetch(kid):
                    await self._fetch()
                    self._remember(kid)
        if self._clock() - self._fetched > STALE_SECONDS:
            return None
        return self._find(kid)

    def _find(self, kid: str | None) -> PyJWK | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _remember(self, kid: str | None) -> None:
        """It was asked for, and isn't there: that name is no reason to ask again for a while."""
        if kid is not None and kid not in self._keys:
            self._unknown[kid] = self._clock()
            if len(self._unknown) > MAX_UNKNOWN:
                self._unknown.popitem(last=False)

    def _wants_fetch(self, kid: str | None) -> bool:
        now = self._clock()
        if now - self._tried < self._cooldown:
            return False
        if now - self._fetched > self._fresh_seconds:
            return True
        if kid is None or kid in self._keys:
            return False
        return now - self._unknown.get(kid, float("-inf")) > UNKNOWN_SECONDS

    async def _fetch(self) -> None:
        self._tried = self._clock()
        try:
            self._keys = _keys(await self._download())
        except (*FAILURES, PyJWTError, ProviderDown) as error:
            log.warning("jwks.not_fetched", reason=type(error).__name__, keys=len(self._keys))
            return
        self._fetched = self._clock()
        log.info("jwks.fetched", keys=len(self._keys))

    async def _download(self) -> Any:
        url = await self._place() if self._place is not None else self._url
        status, body = await fetched(self._client, url, limit=MAX_BYTES)
        if status != 200:
            raise ValueError("no key set")
        return from_json(body)


def _keys(document: Any) -> dict[str | None, PyJWK]:
    """The signing keys of a key set; what can't be used is left out. Raises ValueError when it is none."""
    if not isinstance(document, dict) or not isinstance(entries := cast("dict[str, Any]", document).get("keys"), list):
        raise ValueError("not a key set")
    keys: dict[str | None, PyJWK] = {}
    for entry in cast("list[Any]", entries)[:MAX_KEYS]:
        key = _key(entry)
        if key is not None:
            keys[key.key_id] = key
    if not keys:
        raise ValueError("no usable key")
    return keys


def _key(entry: Any) -> PyJWK | None:
    if not isinstance(entry, dict):
        return None
    fields = cast("dict[str, Any]", entry)
    if fields.get("use", "sig") != "sig" or fields.get("kty") not in {"RSA", "EC", "OKP"}:
        return None
    try:
        return PyJWK(fields)
    except (PyJWKError, InvalidKeyError, ValueError, TypeError, KeyError):
        return None
