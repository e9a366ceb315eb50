"""`colloquy audit verify` uses the key that `up` made, and says by its status whether all is well."""

import asyncio
import sqlite3

import pytest
from typer.testing import CliRunner

from colloquy.__main__ import app
from colloquy.auditing import settings_of, with_audit_key
from colloquy.data_folder import DataFolder
from memory.app import opened
from memory.audit import Act
from memory.clock import Clock
from memory.handlers import auditing
from memory.transaction import Transaction
from shared.ids import new_id


class Nowhere:
    """A bus that takes everything."""

    async def tell(self, subject, message):
        return None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("MEMORY_AUDIT_KEY", raising=False)
    monkeypatch.delenv("MEMORY_DATABASE_URL", raising=False)
    folder = DataFolder(tmp_path)
    folder.prepare()
    return folder


def test_the_key_is_made_once_and_one_that_was_set_is_used_instead(folder):
    made = with_audit_key(folder, {"LOG_LEVEL": "info"})
    assert len(made["MEMORY_AUDIT_KEY"]) >= 32
    assert with_audit_key(folder, {"LOG_LEVEL": "info"}) == made
    assert settings_of(folder.root, None, None).audit_key.get_secret_value() == made["MEMORY_AUDIT_KEY"]
    assert with_audit_key(folder, {"MEMORY_AUDIT_KEY": "mine"}) == {"MEMORY_AUDIT_KEY": "mine"}


async def kept(folder):
    with_audit_key(folder, {})
    settings = settings_of(folder.root, None, None)
    async with opened(settings, Nowhere(), Clock()) as (_, store):
        await store.write(lambda connection: _keep(connection, settings))
    return settings


def _keep(connection, settings):

    clock = Clock()
    tx = Transaction(connection, clock.now(), clock.ticks(), settings, new_id)
    auditing.keep(tx, "ana", Act("output.stored", "test"))


async def test_s17_all_is_well_until_somebody_counts_a_chain_anew(folder):

    await kept(folder)
    run = CliRunner()
    well = await asyncio.to_thread(run.invoke, app, ["audit", "verify", "--data", str(folder.root)])
    assert (well.exit_code, "1 chains, 1 rows" in well.stdout) == (0, True), well.output
    with sqlite3.connect(folder.database) as raw:
        raw.execute("UPDATE users SET audit_count = 2")
    raw.close()
    broken = await asyncio.to_thread(run.invoke, app, ["audit", "verify", "--data", str(folder.root)])
    assert (broken.exit_code, "BROKEN ana" in broken.stdout) == (1, True), broken.output


def test_a_database_that_is_not_there_is_one_sentence(folder):
    result = CliRunner().invoke(app, ["audit", "verify", "--data", str(folder.root)])
    assert result.exit_code != 0
    assert "can't be read" in str(result.exception)
    assert not folder.database.exists()
