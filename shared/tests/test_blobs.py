"""Bytes too large for a message: they come back as they were or not at all, and are gone when they are erased."""

from pathlib import Path

import pytest

from shared.blobs import PIECE_BYTES, Blobs, Manifest, NoBlob
from shared.contract.subjects import blob
from shared.errors import TooLarge

DATA = bytes(range(256)) * 8_192  # 2 MiB
LIMIT = 3 * 1024 * 1024


@pytest.fixture
async def blobs(bus):
    return Blobs(bus)


async def keep(blobs, data=DATA, name="tr_1"):
    writer = blobs.writer("ana", name, LIMIT)
    for start in range(0, len(data), 100_001):
        await writer.write(data[start : start + 100_001])
    return await writer.close()


async def read(blobs, name="tr_1"):
    return b"".join([piece async for piece in blobs.read("ana", name)])


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 4 * PIECE_BYTES, 4 * PIECE_BYTES + 1, len(DATA)])
async def test_a_blob_comes_back_as_it_was(blobs, size):
    await keep(blobs, DATA[:size])
    assert await read(blobs) == DATA[:size]


async def test_s12_more_than_the_limit_is_refused_while_it_comes(blobs):
    writer = blobs.writer("ana", "tr_1", 1_000_000)
    for _ in range(50):
        await writer.write(bytes(20_000))
    with pytest.raises(TooLarge):
        await writer.write(b"x")


async def test_f38_an_upload_that_was_cut_off_is_no_blob(blobs):
    writer = blobs.writer("ana", "tr_1", LIMIT)
    await writer.write(DATA)
    with pytest.raises(NoBlob):
        await read(blobs)
    with pytest.raises(NoBlob):
        await read(blobs, "tr_2")


@pytest.mark.parametrize("manifest", [b"{}", Manifest(size=1, pieces=1, sha256="0").encode()])
async def test_f38_bytes_that_are_not_what_was_sent_are_no_blob(blobs, bus, manifest):
    await bus.store(blob("ana", "tr_1"), b"x", type="piece")
    await bus.store(blob("ana", "tr_1"), manifest, type="manifest")
    with pytest.raises(NoBlob):
        await read(blobs)


async def test_m068_what_is_erased_is_in_no_file_any_more_and_the_others_are(blobs, nats_server):
    await keep(blobs, b"secret-of-ana" * 100_000)
    await keep(blobs, b"secret-of-bob" * 100_000, "tr_2")
    assert set(await blobs.everything()) == {"tr_1", "tr_2"}
    assert await blobs.erase("ana", "tr_1") == 6
    assert await blobs.erase("ana", "tr_1") == 0
    assert set(await blobs.everything()) == {"tr_2"}
    files = [path.read_bytes() for path in Path(nats_server.config.store_dir).rglob("*") if path.is_file()]
    assert not any(b"secret-of-ana" in data for data in files)
    assert any(b"secret-of-bob" in data for data in files)
