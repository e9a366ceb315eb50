"""One stored event, and what the feed reads of its header: by position, never by parsing."""

from shared.cursor import Cursor

SEQUENCE = b"\r\nNats-Sequence: "
PREVIOUS = b"\r\nNats-Last-Sequence: "
PENDING = b"\r\nNats-Num-Pending: "
EVENT_TYPE = b"\r\nEvent-Type: "


def field(header: bytes, name: bytes) -> bytes:
    """The value of the last field of this name, b"" without one. What the server adds stands after what a publisher wrote."""
    start = header.rfind(name)
    if start < 0:
        return b""
    start += len(name)
    return header[start : header.find(b"\r\n", start)]


class Stored:
    """One stored event as the feed delivers it. Rendered once, shared by all readers."""

    __slots__ = ("data", "frame", "sequence", "type")

    sequence: int
    type: bytes
    """The event's name, such as b"llm.token"."""
    data: bytes
    """Its JSON, one line."""
    frame: bytes
    """The same as a whole SSE frame with `id:`, `event:` and `data:`."""

    def __init__(self, incarnation: bytes, sequence: int, header: bytes, data: bytes) -> None:
        if b"\n" in data or b"\r" in data:
            data = data.translate(None, b"\r\n")  # S11: JSON needs no line ends, and here one would begin another field
        self.sequence = sequence
        start = header.find(EVENT_TYPE) + len(EVENT_TYPE)
        self.type = header[start : header.find(b"\r\n", start)] if start >= len(EVENT_TYPE) else b"message"
        self.data = data
        self.frame = b"id: %b-%d\nevent: %b\ndata: %b\n\n" % (incarnation, sequence, self.type, data)

    @property
    def cursor(self) -> Cursor:
        """Where to go on after this event."""
        return Cursor.parse(self.frame[4 : self.frame.index(b"\n")].decode())
