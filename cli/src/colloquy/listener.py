"""The sockets that `up` needs: the gateway's, which is kept over its restarts, and a port for NATS."""

import errno
import random
import socket

from colloquy.errors import Failed

BACKLOG = 4096
NATS_PORTS = range(20_000, 32_000)
"""Below the ports that systems give to outgoing connections: one of those could take the place of a nats-server that
restarts, or a client that tries to reconnect could, on loopback, be connected to itself."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Who connects while the gateway restarts waits in it, instead of being refused. Raises Failed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = "another program uses it" if error.errno == errno.EADDRINUSE else error.strerror or "unknown address"
        raise Failed(f"Port {port} of {host} can't be opened: {reason}. Choose another one with --port.") from None


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses. Raises Failed."""
    for port in random.sample(NATS_PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failed("No port is free for nats-server.")
