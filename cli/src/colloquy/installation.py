"""What `up` has decided before anything starts: which processes, with what, and where people reach them."""

import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from colloquy.bus_server import BusServer
from colloquy.data_folder import DataFolder
from colloquy.environment import environment_of, metrics_port
from colloquy.errors import Misused
from colloquy.flight_server import VARIABLE, FlightServer
from colloquy.plan import Plan, Service
from colloquy.process import Program
from gateway.settings import is_loopback


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. `nats`: an existing NATS, as administrator, instead of one of our own. `flights`: the example
    of a tool server."""

    host: str = "127.0.0.1"
    port: int = 8787
    data: Path = Path("data")
    scale: str = ""
    nats: str | None = None
    flights: bool = True


@dataclass(frozen=True, slots=True)
class Installation:
    """One Colloquy on this machine."""

    plan: Plan
    folder: DataFolder
    environment: Mapping[str, str]
    gateway: socket.socket
    nats: BusServer
    flights: FlightServer | None = None

    @property
    def address(self) -> str:
        """Where people of this machine reach the gateway."""
        host, port = self.gateway.getsockname()[:2]
        if ip_address(host).is_unspecified:
            host = "127.0.0.1" if self.gateway.family == socket.AF_INET else "::1"
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def programs(self, *services: Service) -> list[Program]:
        """Every process of these services."""
        return [self._program(service, name) for service, name in self.plan.names(*services)]

    def examples(self) -> list[Program]:
        """Tool servers to try things with."""
        return [self.flights.program(self.folder, self.environment)] if self.flights else []

    def _program(self, service: Service, name: str) -> Program:
        place = [each for _, each in self.plan.names(*self.plan.copies)].index(name)
        environment = environment_of(service, self.environment) | metrics_port(self.environment, place)
        environment["NATS_URL"] = self.nats.urls[service]
        if service == "inference" and self.flights:
            environment[VARIABLE] = self.flights.tool_servers
        inherited: tuple[int, ...] = ()
        if service == "gateway":
            inherited = (self.gateway.fileno(),)
            host, port = self.gateway.getsockname()[:2]
            environment |= {"GATEWAY_FD": str(inherited[0]), "GATEWAY_HOST": host, "GATEWAY_PORT": str(port)}
        # -P: what lies in the current directory is not imported.
        return Program(name, (sys.executable, "-P", "-m", service), environment, inherited)


def check_identity(host: str, environment: Mapping[str, str]) -> None:
    """Raises Misused when everybody on a network could be anybody."""
    if environment.get("GATEWAY_AUTH", "dev") == "dev" and not is_loopback(host):
        raise Misused(
            f"On {host} anybody could be any user: set GATEWAY_AUTH=jwt and GATEWAY_JWT_SECRET (at least 32 characters), "
            "or stay on 127.0.0.1."
        )
