"""Header blocks of NATS messages as bytes: built by joining, read by searching, never turned into a dict."""

from shared.errors import Invalid

BEGIN = b"NATS/1.0\r\n"
END = b"\r\n"


def line(name: bytes, value: str) -> bytes:
    """One header line. Raises Invalid for a value that would end the line, or that has no UTF-8 form."""
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        raise Invalid("That text has no UTF-8 form.") from None
    if b"\r" in raw or b"\n" in raw:
        raise Invalid("A header is one line.")
    return b"%b: %b\r\n" % (name, raw)


def block(lines: bytes) -> bytes:
    """The whole block around these lines; nothing when there are none."""
    return BEGIN + lines + END if lines else b""


def value(header: bytes | None, name: bytes) -> bytes:
    """The value of a header, b"" when it is absent."""
    if header is None:
        return b""
    start = header.find(b"\r\n%b:" % name)
    if start < 0:
        return b""
    start += len(name) + 3
    return header[start : header.find(b"\r\n", start)].strip()


def number(header: bytes | None, name: bytes) -> int:
    """The same as a number, 0 when it is absent."""
    return int(value(header, name) or 0)


def status(header: bytes | None) -> int:
    """The status in the first line (503: no responders, 404: nothing there, 204: the end), 0 when it has none."""
    if header is None or header[8:9] != b" ":
        return 0
    return int(header[9:12])
