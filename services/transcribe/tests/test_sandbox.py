"""F37, S12: what reads foreign bytes can do nothing else, and whatever they are, that ends soon and says why."""

import asyncio
import io
import os
import random
import resource
import socket
import struct
import wave
import zipfile
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from support.speech import encoded, quiet, spoken

from shared.errors import AudioTooLong, BrokenAudio, Refused, Unavailable, UnsupportedMedia
from transcribe import listening
from transcribe.adapters import limits
from transcribe.adapters.sandboxes import nursery
from transcribe.listening import Said

MOST_SECONDS = 3_600.0
MEMORY = 384 * 1024 * 1024
PATIENCE = 60.0
"""The machine may have other things to do; what it must not take is counted in seconds of computing."""


@pytest.fixture
async def boxes():
    async with nursery("none", MEMORY) as made:
        yield made


async def heard(boxes, data, *, live=False, seconds=MOST_SECONDS):
    async with asyncio.timeout(PATIENCE), boxes.open(live=live, seconds=seconds) as box:
        await box.send(data)
        await box.end()
        return [event async for event in box.events()]


def wav(pcm=b"\0\0" * 16_000, rate=16_000, channels=1, claimed=None):
    sink = io.BytesIO()
    with wave.open(sink, "wb") as written:
        written.setnchannels(channels)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(pcm)
    data = bytearray(sink.getvalue())
    if claimed is not None:
        data[4:8] = data[40:44] = struct.pack("<I", claimed)
    return bytes(data)


def zipped():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("speech.webm", "x" * 100)
    return sink.getvalue()


def boxed(kind: bytes, size: int) -> bytes:
    return struct.pack(">I", size) + kind


def noise(size, seed=0):
    return random.Random(seed).randbytes(size)


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
CONCAT = b"ffconcat version 1.0\nfile '/etc/passwd'\n"
SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n"
SPEECH = encoded(quiet(2.0))
OGG = encoded(quiet(2.0), "ogg")
M4A = encoded(quiet(2.0), "mp4", "aac")
MP3 = encoded(quiet(2.0), "mp3", "libmp3lame")
FLAC = encoded(quiet(2.0), "flac", "flac")

NOT_AUDIO = {
    "empty": b"",
    "one byte": b"\x1a",
    "zeros": bytes(100_000),
    "noise": noise(100_000),
    "text": b"hello " * 1_000,
    "html": b"<html><audio src=file:///etc/passwd></html>" * 10,
    "json": b'{"url": "file:///etc/passwd"}',
    "playlist": PLAYLIST,
    "playlist with a tag": b"\xef\xbb\xbf" + PLAYLIST,
    "concat": CONCAT,
    "sdp": SDP,
    "zip": zipped(),
    "gzip": b"\x1f\x8b\x08" + noise(1_000),
    "png": b"\x89PNG\r\n\x1a\n" + noise(1_000),
    "jpeg": b"\xff\xd8\xff\xe0" + noise(1_000),
    "pdf": b"%PDF-1.7\n" + noise(1_000),
    "elf": b"\x7fELF" + noise(1_000),
    "riff that is no wave": b"RIFF\x24\0\0\0AVI LIST" + noise(1_000),
    "dash": b'<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1/</BaseURL></MPD>',
}
DAMAGED = {
    "webm head only": SPEECH[:40],
    "webm head then noise": SPEECH[:200] + noise(50_000),
    "webm then playlist": SPEECH[:60] + PLAYLIST * 20,
    "ebml bomb": b"\x1aE\xdf\xa3" + b"\x01\xff\xff\xff\xff\xff\xff\xff" + noise(10_000),
    "ogg head only": OGG[:30],
    "ogg then noise": OGG[:300] + noise(50_000),
    "ogg of zeros": b"OggS" + bytes(50_000),
    "m4a without its end": M4A[: len(M4A) // 2],
    "mp4 box that lies": boxed(b"ftyp", 0xFFFFFFFF) + noise(20_000),
    "mp4 nested": boxed(b"ftyp", 16) + b"isom\0\0\0\0" + boxed(b"moov", 80_000) * 10_000,
    "mp4 with a reference": boxed(b"ftyp", 16) + b"isom\0\0\0\0" + boxed(b"moov", 64) + b"url file:///etc/passwd" + noise(999),
    "mp3 tag then noise": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + noise(50_000),
    "mp3 tag then playlist": b"ID3\x04\0\0\0\0\0\0" + PLAYLIST,
    "flac head only": FLAC[:42],
    "flac of zeros": b"fLaC" + bytes(50_000),
    "wav head only": wav()[:44],
    "wav without format": b"RIFF\x24\0\0\0WAVE" + noise(5_000),
    "wav of another codec": wav()[:20] + struct.pack("<H", 0x55) + wav()[22:],
    "384 kHz": wav(rate=384_000),
    "64 channels": wav(bytes(64 * 2 * 1_000), channels=64),
    "1 Hz": wav(rate=1),
    "100 Hz": wav(rate=100),
    "rate 0": wav()[:24] + bytes(4) + wav()[28:],
    "channels 0": wav()[:22] + bytes(2) + wav()[24:],
    "video": b"\x1aE\xdf\xa3" + SPEECH[4:].replace(b"A_OPUS", b"V_VP8\0"),
    "unknown codec": SPEECH.replace(b"A_OPUS", b"A_XXXX"),
    "aac of noise": b"\xff\xf1" + noise(50_000, 3),
    "polyglot": SPEECH[:300] + zipped() + PLAYLIST,
}
BOMBS = {
    "a day of silence as flac": ("flac", "flac"),
    "a day of silence as ogg": ("ogg", "libopus"),
}


def test_f37_there_are_enough_hostile_files():
    assert len(NOT_AUDIO) + len(DAMAGED) + len(BOMBS) >= 49


async def refusal(boxes, data):
    try:
        await heard(boxes, data)
    except Refused as refused:
        return type(refused)
    return None


async def test_f37_a_file_that_is_not_audio_is_refused_by_how_it_begins(boxes):
    for name, data in NOT_AUDIO.items():
        assert await refusal(boxes, data) is UnsupportedMedia, name


async def test_f37_damaged_and_lying_files_end_soon_as_silence_or_with_a_reason(boxes):
    """Soon is 8 s of computing, which the kernel counts: `PROBING_CPU_SECONDS`."""
    for name, data in DAMAGED.items():
        with suppress(Refused):
            assert await heard(boxes, data) is not None, name


@pytest.mark.parametrize("claimed", [0, 10, 2**31, 2**32 - 1])
async def test_f37_a_wav_header_that_lies_about_its_size_changes_nothing_that_is_heard(boxes, claimed):
    events = await heard(boxes, wav(claimed=claimed))
    assert events[-1].seconds <= 1.1


async def test_f37_a_day_of_silence_in_few_bytes_is_refused_before_it_is_decoded(boxes):
    second = encoded(bytes(32_000 * 60), "flac", "flac")
    # The header says a day; what is in it does not matter then.
    samples = struct.pack(">Q", (16_000 << 44) | (15 << 36) | 86_400 * 16_000)
    with pytest.raises((AudioTooLong, BrokenAudio)):
        await heard(boxes, second[:18] + samples + second[26:])
    pages = encoded(bytes(32_000 * 20), "ogg")
    with pytest.raises(AudioTooLong):
        await heard(boxes, pages, seconds=10.0)
    with pytest.raises(AudioTooLong):
        await heard(boxes, pages, seconds=10.0, live=True)


async def test_f37_truncated_anywhere_it_is_heard_to_the_cut_or_refused(boxes):
    speech = {"webm": SPEECH, "ogg": OGG, "mp3": MP3, "m4a": M4A, "flac": FLAC, "wav": wav()}
    for name, data in speech.items():
        for cut in (13, 100, len(data) // 3, len(data) - 1):
            with suppress(Refused):
                assert (await heard(boxes, data[:cut]))[-1].seconds <= 2.2, (name, cut)


async def test_f37_bits_that_were_turned_do_no_harm(boxes):
    chance = random.Random(7)
    for number in range(20):
        data = bytearray((SPEECH, OGG, MP3, M4A, FLAC)[number % 5])
        for _ in range(20):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        with suppress(Refused):
            await heard(boxes, bytes(data))


def confined(work):
    """What `work` raises in a confined process: the name of it, or `nothing`."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(write, limits.SESSION_FD)
        limits.confine(64 * 1024 * 1024)
        try:
            work()
            said = "nothing"
        except (OSError, MemoryError) as error:
            said = type(error).__name__
        os.write(limits.SESSION_FD, said.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return said


def test_s12_a_confined_process_opens_no_file_and_no_socket_and_has_so_much_memory():
    assert confined(Path("/etc/passwd").read_bytes) == "OSError"
    assert confined(Path("/tmp/x").touch) == "OSError"
    assert confined(socket.socket) == "OSError"
    assert confined(lambda: bytearray(512 * 1024 * 1024)) == "MemoryError"
    assert confined(lambda: None) == "nothing"


def test_s12_a_confined_process_that_computes_for_ever_is_ended_by_the_kernel():
    pid = os.fork()
    if pid == 0:
        limits.allow_cpu(0)
        while True:
            pass
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)
    assert resource.getrlimit(resource.RLIMIT_CPU)[0] == resource.RLIM_INFINITY


async def test_a_nursery_that_is_killed_is_begun_again_and_nobodys_recording_is_blamed(boxes):
    before = boxes.pid
    os.kill(before, 9)
    with suppress(Unavailable):
        await heard(boxes, wav())
    assert (await heard(boxes, wav()))[-1].seconds == pytest.approx(1.0, abs=0.1)
    assert boxes.pid != before


CUT = {
    "webm": lambda: encoded(quiet(4.0), "webm", live="1"),
    "ogg": lambda: encoded(quiet(4.0), "ogg"),
    "mp4": lambda: encoded(quiet(4.0), "mp4", "aac", movflags="frag_keyframe+empty_moov"),
    "mp3": lambda: encoded(quiet(4.0), "mp3", "mp3"),
    "flac": lambda: encoded(quiet(4.0), "flac", "flac"),
    "wav": lambda: wav(b"\0\0" * 64_000),
}


@pytest.mark.parametrize("kind", CUT)
async def test_a_session_that_is_cut_in_its_middle_leaves_nobody_behind(boxes, kind):
    data = CUT[kind]()
    for share in range(5, 100, 5):
        async with asyncio.timeout(PATIENCE), boxes.open(live=True, seconds=MOST_SECONDS) as box:
            await box.send(data[: max(64, len(data) * share // 100)])
    await heard(boxes, wav())  # by then it has forked for all of them
    children = psutil.Process(boxes.pid).children()
    _, left = await asyncio.to_thread(psutil.wait_procs, children, timeout=PATIENCE)
    assert left == []


async def test_what_is_heard_in_pieces_is_what_is_heard_at_once():
    sentence = "i would like a cup of coffee and a piece of cake"
    data = encoded(spoken(sentence))
    async with nursery("pocketsphinx", MEMORY) as boxes:
        texts = []
        for size in (len(data), 997):
            async with asyncio.timeout(PATIENCE), boxes.open(live=True, seconds=60.0) as box:
                for start in range(0, len(data), size):
                    await box.send(data[start : start + size])
                await box.end()
                texts.append(" ".join([one.text async for one in listening.inside(box.events()) if isinstance(one, Said)]))
    assert texts[0] == texts[1]
    assert "cup of coffee" in texts[0]
