"""How the gateway is put together."""

import asyncio
import os
import re
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from gateway.adapters.fetching import checked_url, client
from gateway.adapters.jwks import KeySet
from gateway.adapters.jwt import JwtAuthenticator, secret_of
from gateway.adapters.oidc import OpenIdProvider
from gateway.admission import Admission
from gateway.api import api
from gateway.body import Bodies
from gateway.edge import Edge
from gateway.express import Express
from gateway.faults import Misconfigured
from gateway.identity import Authenticator, DevAuthenticator
from gateway.parts import Parts
from gateway.presence import Presence
from gateway.relay import Limits, Relay
from gateway.routes.stream import Streams
from gateway.routes.upload import Uploads
from gateway.server import serving
from gateway.settings import GatewaySettings, is_loopback
from gateway.sign_in import SignIn
from shared.bus import Bus
from shared.feed import Feed

log: structlog.stdlib.BoundLogger = structlog.get_logger()

LEAST_TOKEN = 32


@asynccontextmanager
async def application(settings: GatewaySettings, bus: Bus) -> AsyncGenerator[None]:
    """The gateway while the context is open."""
    async with opened(settings, bus):
        yield


@asynccontextmanager
async def opened(settings: GatewaySettings, bus: Bus) -> AsyncGenerator[int]:
    """The same; yields the port it listens on."""
    check(settings)
    loop = asyncio.get_running_loop()
    feed = Feed(bus)
    relay = Relay(feed, limits(settings))
    presence = Presence(f"{socket.gethostname()}-{os.getpid()}")
    async with AsyncExitStack() as stack:
        authenticator, sign_in = await authenticated(settings, stack)
        parts = Parts(settings, bus, feed, relay, authenticator, Admission(settings, loop.time), presence, sign_in)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        report = tasks.create_task(presence.report(bus))
        stack.callback(report.cancel)
        stack.push_async_callback(presence.farewell, bus)
        port = await stack.enter_async_context(serving(asgi(parts), settings))
        log.info("gateway.listening", host=settings.host, port=port, auth=settings.auth)
        try:
            yield port
        finally:
            parts.stopping.set()
            await relay.close()


def asgi(parts: Parts) -> ASGIApp:
    """Every layer a request goes through, the outermost last."""
    settings = parts.settings
    app: ASGIApp = Bodies(api(parts), settings, parts.admission)
    app = Edge(Streams(Express(Uploads(app, parts), parts), parts), settings)
    if settings.cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type", "idempotency-key", "last-event-id", "x-request-id"],
            expose_headers=["x-request-id", "retry-after"],
            allow_credentials=True,
        )
    return app


def limits(settings: GatewaySettings) -> Limits:
    """What the relay is allowed to hold for a reader."""
    return Limits(
        events=settings.reader_events,
        bytes=settings.reader_bytes,
        send_seconds=settings.write_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
    )


async def authenticated(settings: GatewaySettings, stack: AsyncExitStack) -> tuple[Authenticator, SignIn | None]:
    """How users are known, and how they sign in if that is with a provider."""
    if settings.auth == "dev":
        return DevAuthenticator(), None
    if settings.jwks_url is None and settings.oidc_issuer is None:
        return JwtAuthenticator(settings, None), None
    http = await stack.enter_async_context(client())
    keys = None if settings.jwks_url is None else KeySet(http, settings)
    if settings.oidc_issuer is None:
        return JwtAuthenticator(settings, keys), None
    provider = OpenIdProvider(http, settings)
    authenticator = JwtAuthenticator(settings, keys, keys or KeySet(http, settings, place=provider.jwks_uri))
    return authenticator, SignIn(settings, provider, authenticator.provided)


def check(settings: GatewaySettings) -> None:
    """Raises Misconfigured when it must not start like this."""
    if settings.auth == "dev" and not is_loopback(_host(settings)):
        raise Misconfigured(
            "GATEWAY_AUTH=dev believes everybody, so it starts on a loopback address only; use GATEWAY_AUTH=jwt."
        )
    if settings.auth == "jwt" and secret_of(settings) is None and not (settings.jwks_url or settings.oidc_issuer):
        raise Misconfigured("GATEWAY_AUTH=jwt needs GATEWAY_OIDC_ISSUER, GATEWAY_JWT_SECRET or GATEWAY_JWKS_URL.")
    if settings.jwks_url is not None:
        checked_url(settings.jwks_url)
    if settings.oidc_issuer is not None and not _is_address(settings.oidc_issuer):
        raise Misconfigured("GATEWAY_OIDC_ISSUER must be an address such as https://login.example.com/realm.")
    checked_url(settings.oidc_issuer or "https://none", "GATEWAY_OIDC_ISSUER")
    if settings.public_url is not None and not _is_address(settings.public_url.removesuffix("/"), path=False):
        raise Misconfigured("GATEWAY_PUBLIC_URL must be an address without a path, such as https://chat.example.com.")
    if settings.service_token is not None and len(settings.service_token.get_secret_value()) < LEAST_TOKEN:
        raise Misconfigured(f"GATEWAY_SERVICE_TOKEN must have at least {LEAST_TOKEN} characters.")


def _is_address(text: str, *, path: bool = True) -> bool:
    """It becomes a part of a header."""
    return re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+" + (r"(/[A-Za-z0-9._~/-]*)?" if path else ""), text) is not None


def _host(settings: GatewaySettings) -> str:
    """The address it will listen on."""
    if settings.fd is None:
        return settings.host
    try:
        with socket.socket(fileno=os.dup(settings.fd)) as inherited:
            return str(inherited.getsockname()[0])
    except OSError:
        raise Misconfigured("GATEWAY_FD is not an open socket.") from None
