"""Questions and answers that are long travel compressed, because one NATS message has its limit."""

import zlib

from shared import headers
from shared.contract.streams import MAX_MESSAGE_BYTES
from shared.errors import Invalid, TooLarge

WORTH_IT_BYTES = 256 * 1024
"""Shorter ones go as they are: compressing a MiB keeps the event loop for 15 ms."""

MAX_UNPACKED_BYTES = 8 * 1024 * 1024
"""More than any body that a gateway accepts (F36)."""

ENCODING = b"Content-Encoding"


def pack(lines: bytes, data: bytes) -> tuple[bytes, bytes]:
    """Header block and payload of a message with these header lines. Raises TooLarge."""
    size = len(data)
    if size > WORTH_IT_BYTES:
        data = zlib.compress(data, 1)
        lines += headers.line(ENCODING, "deflate")
    header = headers.block(lines)
    if len(header) + len(data) > MAX_MESSAGE_BYTES or size > MAX_UNPACKED_BYTES:
        raise TooLarge(size=size, limit=MAX_MESSAGE_BYTES)
    return header, data


def unpack(header: bytes | None, data: bytes) -> bytes:
    """The payload as it was. Raises Invalid."""
    if not headers.value(header, ENCODING):
        return data
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(data, MAX_UNPACKED_BYTES)
    except zlib.error:
        raise Invalid from None
    if not unpacking.eof:
        raise Invalid
    return plain
