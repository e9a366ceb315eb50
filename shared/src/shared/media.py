"""What kind of audio bytes are, by how they begin: what a client calls them is never believed."""

from typing import Final, Literal

Container = Literal["matroska", "ogg", "wav", "flac", "mp4", "mp3", "aac"]

HEAD_BYTES: Final = 12
"""So many are needed to tell."""


def container_of(head: bytes) -> Container | None:
    """The container, or None when it is none of those that are read here. Playlists and descriptions of others never are."""
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if head[:4] == b"OggS":
        return "ogg"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"fLaC":
        return "flac"
    if head[4:8] == b"ftyp":
        return "mp4"
    return _frames(head)


def _frames(head: bytes) -> Container | None:
    """MPEG audio, which has no container: a tag, or a frame's sync word with a layer."""
    if head[:3] == b"ID3":
        return "mp3"
    if len(head) < 2 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "aac"
    return "mp3" if head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08 else None
