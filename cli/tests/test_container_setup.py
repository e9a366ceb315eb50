"""What containers find in their folders."""

import subprocess

import pytest

from colloquy.container_setup import set_up
from colloquy.nats_server import find_binary
from colloquy.plan import SERVICES

SECRETS = {"gateway": {"gateway_jwt_secret", "gateway_service_token"}, "memory": {"memory_audit_key"}}


@pytest.fixture
def folder(tmp_path):
    for name in (*SERVICES, "admin", "nats", "store"):
        (tmp_path / name).mkdir()
    set_up(tmp_path)
    return tmp_path


def files(folder):
    return {path.relative_to(folder): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_each_service_finds_its_own_user_and_nothing_else(folder):
    for service in SERVICES:
        found = {path.name: path.read_text() for path in (folder / service).iterdir()}
        assert found.pop("nats_url").startswith(f"nats://{service}:")
        assert set(found) == SECRETS.get(service, set())


def test_nats_server_takes_the_configuration(folder):
    told = subprocess.run(
        [find_binary(), "-t", "-c", folder / "nats" / "nats.conf"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr


def test_a_second_time_changes_nothing(folder):
    before = files(folder)
    set_up(folder)
    assert files(folder) == before


def test_secrets_are_private(folder):
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}
