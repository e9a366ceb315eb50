"""Answers of servers that are not ours: bounded in size and time, never a redirect followed (S8, S20)."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from gateway.faults import Misconfigured
from gateway.settings import is_loopback

SECONDS = 5.0
CONNECTIONS = 32
"""At the same time; who finds none within those seconds is told to come back."""

FAILURES = (httpx.HTTPError, TimeoutError, ValueError)
"""What `fetched` raises."""


def client() -> httpx.AsyncClient:
    """For the few addresses that an operator, or the provider they trust, has named."""
    limits = httpx.Limits(max_connections=CONNECTIONS)
    return httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=SECONDS, limits=limits)


async def fetched(
    http: httpx.AsyncClient,
    url: str,
    *,
    limit: int,
    seconds: float = SECONDS,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Status and body of an answer; with a form it is posted. Raises what is in FAILURES."""
    method = "GET" if form is None else "POST"
    # Nothing compressed: a small answer could be a large one inside.
    wanted = {"accept": "application/json", "accept-encoding": "identity", **(headers or {})}
    body = bytearray()
    async with (
        asyncio.timeout(seconds),
        http.stream(method, url, data=form, headers=wanted, timeout=seconds) as response,
    ):
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ValueError("the answer is compressed")
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > limit:
                raise ValueError("the answer is too large")
    return response.status_code, bytes(body)


def is_safe(url: str, *, loopback: bool = True) -> bool:
    """Whether what comes from there can be believed: https, or http that does not leave this machine."""
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        return False
    return named and (parts.scheme == "https" or (loopback and parts.scheme == "http" and is_loopback(parts.hostname or "")))


def checked_url(url: str, name: str = "GATEWAY_JWKS_URL") -> str:
    """The same, for a setting. Raises Misconfigured."""
    if is_safe(url):
        return url
    raise Misconfigured(f"{name} must begin with https://.")
