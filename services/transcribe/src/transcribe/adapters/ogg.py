"""Opus packets as an Ogg stream, page by page (RFC 3533, RFC 7845); several calls, in several places, may make one stream."""

import struct
from collections.abc import Sequence
from typing import Final

from shared.contract.speech import OggPlace

PRE_SKIP: Final = 312
"""Samples at 48 kHz that libopus is late by."""

PACKET_SAMPLES: Final = 960
"""20 ms: what a packet holds."""

PAGE_PACKETS: Final = 10
"""200 ms a page, so that a player hears something early."""

BEGIN, END = 2, 4
HEADERS: Final = 2
"""Pages before the sound."""


def _table() -> tuple[int, ...]:
    """Of the CRC with the polynomial 0x04c11db7, not reflected, that Ogg has."""
    table: list[int] = []
    for number in range(256):
        value = number << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return tuple(table)


_CRC = _table()


def pages(packets: Sequence[bytes], rate: int, place: OggPlace, *, last: bool) -> tuple[bytes, OggPlace]:
    """The packets as pages from this place on, with the headers before the first; and where the stream goes on."""
    parts: list[bytes] = []
    number, granule = place.page, place.granule
    if number == 0:
        parts += [_page(place.serial, 0, 0, BEGIN, [_head(rate)]), _page(place.serial, 1, 0, 0, [_tags()])]
        number = HEADERS
    for start in range(0, len(packets), PAGE_PACKETS):
        some = packets[start : start + PAGE_PACKETS]
        granule += PACKET_SAMPLES * len(some)
        flags = END if last and start + PAGE_PACKETS >= len(packets) else 0
        parts.append(_page(place.serial, number, granule, flags, some))
        number += 1
    if last and not packets:
        parts.append(_page(place.serial, number, granule, END, []))
    return b"".join(parts), OggPlace(serial=place.serial, page=number, granule=granule)


def _head(rate: int) -> bytes:
    return b"OpusHead" + struct.pack("<BBHIhB", 1, 1, PRE_SKIP, rate, 0, 0)


def _tags() -> bytes:
    vendor = b"colloquy"
    return b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)


def _page(serial: int, number: int, granule: int, flags: int, packets: Sequence[bytes]) -> bytes:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, serial, number, 0, len(lacing))
    page = bytearray(head + lacing + b"".join(packets))
    page[22:26] = struct.pack("<I", _checksum(page))
    return bytes(page)


def _checksum(page: bytearray) -> int:
    crc = 0
    for byte in page:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _CRC[(crc >> 24) ^ byte]
    return crc
