"""Which site a browser's request comes from, and under which name it calls us: CSRF and DNS rebinding (S21, S19)."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.types import Scope

from gateway.exchange import header
from gateway.faults import BadRequest, CrossOrigin, UnknownHost
from gateway.settings import GatewaySettings, is_loopback

READS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Doorman:
    """Refuses what a foreign page makes a browser send. `hosts` empty: any name."""

    loopback: bool
    hosts: frozenset[str]
    origins: frozenset[str]

    @classmethod
    def of(cls, settings: GatewaySettings) -> "Doorman":
        """In `dev` everybody is believed, so only names that nobody else can point at us are taken."""
        hosts = frozenset(host.lower() for host in settings.allowed_hosts)
        return cls(settings.auth == "dev", hosts, frozenset(settings.cors_origins))

    def admit(self, scope: Scope) -> None:
        """Raises UnknownHost or CrossOrigin."""
        host = header(scope, b"host") or ""
        if not self._knows(host):
            raise UnknownHost
        writes = scope["type"] == "websocket" or scope["method"] not in READS
        if writes and not self.same_site(scope, host):
            raise CrossOrigin

    def same_site(self, scope: Scope, host: str) -> bool:
        """Whether it comes from one of our own pages, from an origin that is allowed, or from no browser at all."""
        origin = header(scope, b"origin")
        if origin is None:
            # Browsers that leave out Origin on a write are too old to send this either.
            return header(scope, b"sec-fetch-site") in {None, "same-origin", "none"}
        return origin in self.origins or urlsplit(origin).netloc.lower() == host.lower()

    def _knows(self, host: str) -> bool:
        name = host_name(host)
        if name in self.hosts or host.lower() in self.hosts:
            return True
        if self.loopback:
            return is_loopback(name)
        return not self.hosts


def host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


def own_origin(scope: Scope, settings: GatewaySettings) -> str:
    """Where people open our page, such as https://chat.example.com. Raises BadRequest."""
    if settings.public_url is not None:
        return settings.public_url.removesuffix("/")
    host = (header(scope, b"host") or "").lower()
    if not _HOST.fullmatch(host):
        raise BadRequest
    # The cookies of a session need https; only on this machine do browsers take http for as safe.
    return f"{'http' if is_loopback(host_name(host)) else 'https'}://{host}"
