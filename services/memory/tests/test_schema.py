"""The steps in `migrations` lead to the tables that the code uses."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from memory.adapters.store import open_store
from memory.derived import SHADOWS, derived
from memory.migrations import HEAD, REVISIONS
from memory.tables import metadata


def ours(name, kind, _parents):
    return kind != "table" or not name.startswith(SHADOWS)


async def test_the_migrations_lead_to_exactly_the_tables_of_the_code(settings):
    def differences(connection):
        context = MigrationContext.configure(connection, opts={"include_name": ours})
        return compare_metadata(context, [metadata, derived])

    async with open_store(settings, "s", 1) as store:
        assert await store.read(differences) == []


def test_every_revision_is_known_by_name_without_alembic():
    config = Config()
    config.set_main_option("script_location", "memory:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == HEAD
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(REVISIONS)


@pytest.mark.sqlite
async def test_hot_queries_use_an_index(settings):
    plans = {
        "SELECT * FROM generations WHERE user_id = ? AND generations.status IN ('queued', 'running', 'waiting')": (
            "generations_open"
        ),
        "SELECT * FROM generations WHERE conversation_id = ? AND generations.status IN ('queued', 'running', 'waiting')": (
            "generations_waiting"
        ),
        "SELECT * FROM messages WHERE user_id = ? ORDER BY seq DESC LIMIT 50": "messages_by_user",
        "SELECT * FROM conversations WHERE user_id = ? ORDER BY changed DESC": "conversations_by_change",
    }
    async with open_store(settings, "s", 1) as store:
        for query, index in plans.items():
            plan = await store.read(lambda c, q=query: str(c.exec_driver_sql(f"EXPLAIN QUERY PLAN {q}", ("x",)).all()))
            assert index in plan
