"""What 8 clients of a user see at the same time, while memory is killed, could have happened one after the other."""

import pytest
from support.postgres import NoPostgres, migrated, postgres

from linearizability.campaign import campaign, first_seed, how_many
from linearizability.nemesis import replicas


@pytest.fixture
async def buses(new_bus):
    """Clients come over several connections, as they do through several gateways."""
    return [await new_bus() for _ in range(3)]


@pytest.fixture
def server():
    try:
        with postgres() as running:
            yield running
    except NoPostgres as reason:
        pytest.skip(str(reason))


@pytest.mark.slow
async def test_histories_on_sqlite_are_linearizable_while_memory_is_killed(nats_server, buses, tmp_path):
    database = f"sqlite:///{tmp_path}/colloquy.db"
    async with replicas(nats_server.url("memory"), database, buses[0]) as some:
        tally = await campaign(some, buses, first_seed(), how_many(20), tmp_path)
    assert tally.histories == how_many(20)


@pytest.mark.slow
async def test_histories_of_three_replicas_on_postgresql_are_linearizable_while_they_are_killed(
    nats_server, buses, server, tmp_path
):
    async with (
        server.database(await migrated(server)) as database,
        replicas(nats_server.url("memory"), database, buses[0], count=3) as some,
    ):
        tally = await campaign(some, buses, first_seed(), how_many(10), tmp_path)
    assert tally.histories == how_many(10)
