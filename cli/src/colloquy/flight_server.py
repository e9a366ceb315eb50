"""The example of a tool server that `up` runs beside the services: flights, made up, so that tools work at once and offline."""

import socket
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from colloquy.data_folder import DataFolder
from colloquy.environment import environment_of
from colloquy.listener import listen
from colloquy.process import Program

FLIGHTS: Final = "flights"
VARIABLE: Final = "INFERENCE_TOOL_SERVERS"


@dataclass(frozen=True, slots=True)
class FlightServer:
    """Its socket, which is kept over its restarts, and the setting by which inference finds it."""

    listener: socket.socket
    tool_servers: str

    def program(self, folder: DataFolder, everything: Mapping[str, str]) -> Program:
        """The process. What it is told stands in its environment: it is known again by its command line."""
        number = self.listener.fileno()
        told = {"FLIGHTS_FD": str(number), "FLIGHTS_BOOKINGS": str(folder.root / "flights-bookings.jsonl")}
        command = (sys.executable, "-P", "-m", FLIGHTS)
        return Program(f"{FLIGHTS}-1", command, environment_of(FLIGHTS, everything) | told, (number,))


def flight_server(everything: Mapping[str, str]) -> FlightServer | None:
    """None when it is not installed, or when the user's own tool servers leave no place for it. Raises Failed."""
    if find_spec(FLIGHTS) is None:
        return None
    listener = listen("127.0.0.1", 0)
    merged = with_flights(everything.get(VARIABLE, ""), f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
    if merged is None:
        listener.close()
        return None
    return FlightServer(listener, merged)


def with_flights(configured: str, url: str) -> str | None:
    """What the user configured (TOML, or the path of such a file) and behind it our server: searching is free, booking is asked
    about. None when the user has a server of this name, or what there is can't be added to."""
    text = _text(configured.strip())
    if text is None or FLIGHTS in _servers(text):
        return None
    merged = f"{text}\n{_table(url)}"
    return merged if FLIGHTS in _servers(merged) else None


def _text(configured: str) -> str | None:
    if "\n" in configured or "=" in configured or not configured:
        return configured
    try:
        return Path(configured).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None  # inference says what is wrong with it


def _servers(text: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text).get("servers", {})
    except tomllib.TOMLDecodeError:
        return {}


def _table(url: str) -> str:
    return (
        f'[servers.{FLIGHTS}]\nurl = "{url}"\npolicy = "ask"\nidempotent = true\ntrusted = true\n'
        f'tools.search_flights = {{policy = "auto", heavy = true}}\ntools.flight_status = {{policy = "auto"}}\n'
    )
