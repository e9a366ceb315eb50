"""Bytes of a model's HTTP body in, JSON payloads out: server-sent events as servers really write them, or one document."""

import json
from collections.abc import Iterator
from typing import Any, Final, Literal, cast

from inference.failure import UpstreamMalformed

CAP: Final = 1024 * 1024
"""Bytes of one line, of one event, or of a body that is one document: no honest server comes near it."""

DONE: Final = "[DONE]"
Payload = dict[str, Any] | Literal["[DONE]"]

_BOM: Final = b"\xef\xbb\xbf"


class Payloads:
    """Feed it a body in any pieces; the payloads are those of the whole body.

    A server that was asked for a stream may answer with one JSON document: the first character tells.
    """

    def __init__(self) -> None:
        self._head = b""
        self._body: _Events | _Document | None = None

    def feed(self, chunk: bytes) -> Iterator[Payload]:
        """The payloads that this piece completes. Raises UpstreamMalformed, after those before the bad one."""
        if self._body is None:
            self._head = self._head[:64] + chunk
            chunk = self._head.removeprefix(_BOM).lstrip()
            if not chunk or _BOM.startswith(chunk):
                return
            self._body = _Document() if chunk[0] in b"{[" else _Events()
        yield from self._body.feed(chunk)

    def close(self) -> Iterator[Payload]:
        """What the end of the body completes."""
        if self._body is not None:
            yield from self._body.close()


class _Document:
    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Payload]:
        self._data += chunk
        if len(self._data) > CAP:
            raise UpstreamMalformed("a document without end")
        return iter(())

    def close(self) -> Iterator[Payload]:
        yield from _parse(self._data)


class _Events:
    """Lines end with LF, CRLF or CR and are decoded whole, so a character that the network cut in two is read right.

    A `data:` line that is a payload by itself counts at once: some servers leave out the empty line after it, and waiting
    for it would cost time. One that is not is joined with those after it, as the specification has it.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._after_cr = False
        self._error = False
        self._pending: list[bytes] = []
        self._held = 0

    def feed(self, chunk: bytes) -> Iterator[Payload]:
        if self._after_cr or b"\r" in chunk:
            chunk = self._unify(chunk)
        if b"\n" in chunk:
            lines = (bytes(self._rest) + chunk).split(b"\n")
            self._rest = bytearray(lines.pop())
            for line in lines:
                yield from self._line(line)
        else:
            self._rest += chunk
        if len(self._rest) > CAP:
            raise UpstreamMalformed("a line without end")

    def close(self) -> Iterator[Payload]:
        # A last line that is no payload was cut; what the stream lacks then is for the dialect to say.
        if self._rest.startswith(b"data:") and (payload := _whole(bytes(self._rest[5:]))) is not None:
            yield self._named(payload)

    def _unify(self, chunk: bytes) -> bytes:
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _line(self, line: bytes) -> Iterator[Payload]:
        if len(line) > CAP:
            raise UpstreamMalformed("a line without end")
        if line.startswith(b"data:"):
            yield from self._data(line[5:])
        elif not line:
            yield from self._blank()
        elif line.startswith(b"event:"):
            self._error = line[6:].strip() == b"error"

    def _data(self, value: bytes) -> Iterator[Payload]:
        payload = None if self._pending else _whole(value)
        if payload is not None:
            yield self._named(payload)
            return
        self._pending.append(value)
        self._held += len(value)
        if self._held > CAP:
            raise UpstreamMalformed("an event without end")

    def _blank(self) -> Iterator[Payload]:
        pending, self._pending, self._held = self._pending, [], 0
        for payload in _parse(b"\n".join(pending)):
            yield self._named(payload)
        self._error = False

    def _named(self, payload: Payload) -> Payload:
        return {"error": payload} if self._error and payload != DONE and "error" not in payload else payload


def _whole(value: bytes) -> Payload | None:
    """The payload, when this line is one by itself."""
    value = value.strip()
    if value == b"[DONE]":
        return DONE
    if not value.startswith(b"{"):
        return None
    try:
        return json.loads(str(value, "utf-8"))
    except ValueError:
        return None
    except RecursionError:
        raise UpstreamMalformed("nested too deeply") from None


def _parse(data: bytes | bytearray) -> Iterator[Payload]:
    if not data.strip():
        return
    try:
        value: Any = json.loads(str(data, "utf-8"))
    except (ValueError, RecursionError):
        raise UpstreamMalformed("not JSON") from None
    # Some gateways wrap an error in a list; `null` is a sign of life of others.
    for item in cast("list[Any]", value) if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield cast("dict[str, Any]", item)
        elif item is not None:
            raise UpstreamMalformed("not an object")
