"""What 8 clients of a user see at the same time, while memory is killed, could have happened one after the other."""

import pytest

from linearizability.campaign import campaign, first_seed, how_many
from linearizability.nemesis import replicas


@pytest.fixture
async def buses(new_bus):
    """Clients come over several connections, as they do through several gateways."""
    return [await new_bus() for _ in range(3)]


@pytest.mark.slow
async def test_histories_on_sqlite_are_linearizable_while_memory_is_killed(nats_server, buses, tmp_path):
    database = f"sqlite:///{tmp_path}/colloquy.db"
    async with replicas(nats_server.url("memory"), database, buses[0]) as some:
        tally = await campaign(some, buses, first_seed(), how_many(20), tmp_path)
    assert tally.histories == how_many(20)
