"""`python -m flights`: over stdio, or with `--port` over streamable HTTP at /mcp."""

import argparse
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import anyio
import uvicorn
from mcp.server.transport_security import TransportSecuritySettings

from flights.bookings import Bookings
from flights.server import Desk, server


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until it is told to stop."""
    given = _parser().parse_args(arguments)
    desk = Desk(Bookings(given.bookings, lambda: uuid4().hex), given.home, lambda: datetime.now(UTC))
    if given.port is None and given.fd is None:
        anyio.run(server(desk).run_stdio_async)
    else:
        _serve(desk, given)


def _serve(desk: Desk, given: argparse.Namespace) -> None:
    # Every request carries all it needs, so any replica can answer it. Hosts are named when it listens to more than loopback.
    hosts = [host for name in given.allow_host for host in (name, f"{name}:*")]
    security = TransportSecuritySettings(allowed_hosts=hosts) if hosts else None
    app = server(desk).streamable_http_app(
        stateless_http=True, json_response=True, transport_security=security, host=given.host
    )
    config = uvicorn.Config(app, host=given.host, port=given.port or 0, fd=given.fd, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=given.fd)] if given.fd is not None else None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flights", description="An MCP server with a made-up timetable of flights.")
    parser.add_argument("--port", type=int, help="listen on this port; without it: stdio")
    parser.add_argument("--fd", type=int, default=_number("FLIGHTS_FD"), help="listen on this open socket instead")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback)")
    parser.add_argument("--allow-host", action="append", default=[], help="name by which clients may call it; may be repeated")
    parser.add_argument(
        "--home", default=os.environ.get("FLIGHTS_HOME", "Berlin"), help="where journeys begin when nobody says"
    )
    kept = os.environ.get("FLIGHTS_BOOKINGS")
    parser.add_argument("--bookings", type=Path, default=kept and Path(kept), help="file in which bookings are kept")
    return parser


def _number(variable: str) -> int | None:
    value = os.environ.get(variable, "")
    return int(value) if value.isdigit() else None


if __name__ == "__main__":
    main()
