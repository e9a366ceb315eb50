"""Thousands of readers in one process, as cheap as they can be: raw sockets, no parsing beyond counting events."""

import json
import resource
import select
import socket
import sys
import time

END = b"\n\n"
CLOCK = b'data: {"t":'


class Readers:
    """Open streams of one gateway, all watched by one epoll."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._last: dict[int, bytes] = {}
        self.events = 0
        self.ended = 0
        self._late: list[int] | None = None

    def open(self, port: int, first: int, count: int, query: str) -> dict[str, float]:
        """Connects and asks; answers when every response has begun."""
        start = time.monotonic()
        self.events = 0
        for number in range(first, first + count):
            reader = socket.create_connection(("127.0.0.1", port))
            reader.sendall(f"GET /u{number}{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            self._sockets[reader.fileno()] = reader
            self._last[reader.fileno()] = b""
            self._poll.register(reader, select.EPOLLIN)
        while not all(self._last.values()):
            self._turn(30)
        return {"seconds": time.monotonic() - start}

    def wait(self, events: int, seconds: float, clocks: bool) -> dict[str, float]:
        """Until so many events have come in all since `reset`; how late they were, when asked for."""
        start = time.monotonic()
        deadline = start + seconds
        while self.events < events and time.monotonic() < deadline:
            self._turn(1)
        late = sorted(self._late or [0])
        result = {"seconds": time.monotonic() - start, "events": self.events, "ended": self.ended}
        if clocks:
            result |= {"p50": late[len(late) // 2] / 1e6, "p99": late[len(late) * 99 // 100] / 1e6}
        return result

    def reset(self, clocks: bool) -> dict[str, float]:
        """Counts from 0 again."""
        self.events, self._late = 0, [] if clocks else None
        return {}

    def close(self) -> dict[str, float]:
        """All of them."""
        for number in list(self._sockets):
            self._forget(number)
        return {}

    def _forget(self, number: int) -> None:
        self._poll.unregister(number)
        self._sockets.pop(number).close()
        del self._last[number]

    def _turn(self, seconds: float) -> None:
        for number, _ in self._poll.poll(seconds):
            data = self._sockets[number].recv(262_144)
            if not data:
                self.ended += 1
                self._forget(number)
                continue
            # `retry:` and heartbeats end with an empty line too.
            text = self._last[number] + data
            self.events += text.count(b"data: ")
            self._last[number] = text[-5:]
            if self._late is not None:
                self._clock(data)

    def _clock(self, data: bytes) -> None:
        assert self._late is not None
        now = time.monotonic_ns()
        at = data.find(CLOCK)
        while at >= 0:
            end = data.find(b",", at)
            if end > 0:
                self._late.append(now - int(data[at + len(CLOCK) : end]))
            at = data.find(CLOCK, at + 1)


def main() -> None:
    """Carries out each line of JSON and answers with one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    readers = Readers()
    for line in sys.stdin:
        what, arguments = json.loads(line)
        print(json.dumps(getattr(readers, what)(*arguments)), flush=True)
