"""The data folder belongs to one `up`, and its secrets to one person."""

import shutil
from collections import namedtuple

import pytest

from colloquy import data_folder
from colloquy.data_folder import DataFolder, trim_log, write_private
from colloquy.errors import Failed
from colloquy.secrets_file import kept_token, passwords

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def folder(tmp_path):
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    return folder


def test_the_lock_is_held_by_one_and_names_its_process(folder):
    with folder.locked(), pytest.raises(Failed, match=r"already running on .* \(process \d+\)"), folder.locked():
        pass
    with folder.locked():
        pass


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10, 10, 3 << 20))
    with pytest.raises(Failed, match="The disk is full: 3 MiB are free"):
        DataFolder(tmp_path).prepare()


def test_what_is_private_can_be_read_by_its_owner_only_and_is_replaced_whole(folder):
    path = folder.run / "x"
    path.write_text("something longer")
    path.chmod(0o644)
    write_private(path, "short")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("short", 0o600)
    assert folder.root.stat().st_mode & 0o777 == 0o700


def test_a_log_that_has_grown_is_moved_aside_under_its_writer(folder, monkeypatch):
    monkeypatch.setattr(data_folder, "LOG_LIMIT_BYTES", 10)
    path = folder.log("memory-1")
    with path.open("ab", buffering=0) as writer:
        writer.write(b"a line that is long\n")
        trim_log(path)
        writer.write(b"next\n")
        trim_log(path)
    assert path.read_bytes() == b"next\n"
    assert path.with_suffix(".log.1").read_bytes() == b"a line that is long\n"


def test_passwords_are_random_and_kept_and_missing_ones_are_added(folder):
    first = passwords(folder.secrets, ["memory", "gateway"])
    assert len({*first.values()}) == 2
    assert min(map(len, first.values())) >= 32
    again = passwords(folder.secrets, ["memory", "gateway", "new"])
    assert again.items() > first.items()
    assert folder.secrets.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"memory": 1}'])
def test_a_file_that_holds_no_passwords_is_not_overwritten(folder, text):
    folder.secrets.write_text(text)
    with pytest.raises(Failed, match="Delete it"):
        passwords(folder.secrets, ["memory"])
    assert folder.secrets.read_text() == text


def test_a_token_is_random_kept_and_for_its_owner_only(folder, tmp_path):
    token = kept_token(folder.service_token)
    assert len(token) >= 32
    assert kept_token(folder.service_token) == token == folder.service_token.read_text().strip()
    assert kept_token(tmp_path / "other") != token
    assert folder.service_token.stat().st_mode & 0o077 == 0
    folder.service_token.write_text("\n")
    assert len(kept_token(folder.service_token)) >= 32
    folder.service_token.write_bytes(b"\xff")
    with pytest.raises(Failed):
        kept_token(folder.service_token)
