"""The one way out: HTTP to addresses that somebody else named. Resolves once, and connects to the address it checked (S8)."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import httpcore
import httpx

from shared.addresses import is_public, is_public_host
from shared.errors import Refused, TooLarge

SECURE_PORT = 443
MAX_REDIRECTS = 3
MAX_ADDRESSES = 4
"""Addresses of one name that are tried."""
RESOLVE_SECONDS = 5.0
CONNECT_SECONDS = 5.0
SILENT_SECONDS = 15.0

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host. Raises OSError."""


class AddressRefused(Refused):
    """This address may not be reached from here."""

    code, status = "address_refused", 422


class Unreachable(Refused):
    """This address did not give what was asked for."""

    code, status = "address_unreachable", 502


@dataclass(frozen=True, slots=True)
class Reach:
    """Where one may go.

    `hosts`: names in public, by https; `.example.org` with everything below it, `*` all. `origins` are the operator's own
    choice, such as `http://127.0.0.1:9000`: they may be anywhere, and speak http.
    """

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset({SECURE_PORT})
    chosen: frozenset[tuple[str, int]] = field(init=False)

    def __post_init__(self) -> None:
        urls = [httpx.URL(origin) for origin in self.origins]
        object.__setattr__(self, "chosen", frozenset((_host(url), _port(url)) for url in urls))
        object.__setattr__(self, "origins", frozenset(_origin(url) for url in urls))

    def check(self, address: str | httpx.URL) -> httpx.URL:
        """The address, parsed by the parser that the client uses. Raises AddressRefused; asks nobody."""
        try:
            url = httpx.URL(address)
        except (httpx.InvalidURL, ValueError, UnicodeError, TypeError):
            raise AddressRefused("This is not an address.") from None
        if url.userinfo or not url.host:
            raise AddressRefused
        if _origin(url) not in self.origins and not self._is_open(url):
            raise AddressRefused
        return url

    def _is_open(self, url: httpx.URL) -> bool:
        host = _host(url)
        return url.scheme == "https" and _port(url) in self.ports and is_public_host(host) and self._names(host)

    def _names(self, host: str) -> bool:
        suffixes = {host[index:] for index, letter in enumerate(host) if letter == "."}
        return not self.hosts.isdisjoint({"*", host, "." + host, *suffixes})


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections to addresses that were looked at: the name is resolved here, once, and nobody resolves it again."""

    def __init__(self, reach: Reach, resolve: Resolve, beneath: httpcore.AsyncNetworkBackend) -> None:
        self._reach = reach
        self._resolve = resolve
        self._beneath = beneath

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first of its addresses that answers. Raises AddressRefused, httpcore.ConnectError."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in (await self._addresses(host, port))[:MAX_ADDRESSES]:
            try:
                return await self._beneath.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:  # TimeoutError is one
            raise httpcore.ConnectError(type(error).__name__) from None
        # One that is ours among others that are not is an attack, not a mistake.
        if (host, port) not in self._reach.chosen and not all(map(is_public, addresses)):
            raise AddressRefused
        return addresses

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise AddressRefused

    async def sleep(self, seconds: float) -> None:
        """Between attempts."""
        await asyncio.sleep(seconds)


class CheckedTransport(httpx.AsyncHTTPTransport):
    """httpx's own, over a checked network; every request is looked at, redirected ones too."""

    def __init__(self, reach: Reach, network: httpcore.AsyncNetworkBackend, trust: ssl.SSLContext) -> None:
        super().__init__(verify=trust, trust_env=False)
        self._reach = reach
        self._pool = httpcore.AsyncConnectionPool(ssl_context=trust, max_connections=100, network_backend=network)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response. Raises AddressRefused."""
        self._reach.check(request.url)
        return await super().handle_async_request(request)


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as this machine resolves it. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@asynccontextmanager
async def outbound(
    reach: Reach,
    resolve: Resolve = resolved,
    *,
    beneath: httpcore.AsyncNetworkBackend | None = None,
    trust: ssl.SSLContext | None = None,
) -> AsyncGenerator[httpx.AsyncClient]:
    """A client that goes nowhere else. Proxies of the environment are not used; redirects are not followed by itself."""
    network = CheckedNetwork(reach, resolve, beneath or cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend()))
    transport = CheckedTransport(reach, network, trust or ssl.create_default_context())
    timeout = httpx.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)
    # Nobody unpacks here: what is said to be small must be small.
    headers = {"Accept-Encoding": "identity"}
    async with httpx.AsyncClient(transport=transport, timeout=timeout, headers=headers, trust_env=False) as client:
        yield client


async def download(client: httpx.AsyncClient, address: str, *, limit: int, seconds: float) -> AsyncGenerator[bytes, None]:
    """The bytes behind an address, as they come, at most three redirects further on.

    Raises AddressRefused, Unreachable, and TooLarge as soon as there are more than `limit` bytes.
    """
    try:
        async with asyncio.timeout(seconds):
            response = await _landed(client, address)
            try:
                async for piece in _body(response, limit):
                    yield piece
            finally:
                await response.aclose()
    except httpx.InvalidURL:
        raise AddressRefused from None
    except (httpx.HTTPError, TimeoutError) as error:
        raise Unreachable(reason=type(error).__name__) from None


async def _landed(client: httpx.AsyncClient, address: str) -> httpx.Response:
    """The response at the end of the redirects."""
    request = client.build_request("GET", address)
    for _ in range(1 + MAX_REDIRECTS):
        response = await client.send(request, stream=True)
        if response.next_request is None:
            return await _accepted(response)
        await response.aclose()
        request = response.next_request
    raise Unreachable(reason="too many redirects")


async def _accepted(response: httpx.Response) -> httpx.Response:
    reason = None
    if not response.is_success:
        reason = f"status {response.status_code}"
    elif response.headers.get("content-encoding", "identity").lower() != "identity":
        reason = "it is compressed"
    if reason is None:
        return response
    await response.aclose()
    raise Unreachable(reason=reason)


async def _body(response: httpx.Response, limit: int) -> AsyncGenerator[bytes, None]:
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise TooLarge(limit=limit)
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > limit:
            raise TooLarge(limit=limit)
        yield piece


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii")


def _port(url: httpx.URL) -> int:
    return url.port or (SECURE_PORT if url.scheme == "https" else 80)


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{_host(url)}:{_port(url)}"
