"""Memory on a real database file, asked without the bus; its post remembers what it was given."""

import tempfile
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from support.postgres import NoPostgres, migrated, postgres

from memory.adapters.remembered_post import RememberedPost
from memory.app import answers, opened
from memory.clock import Clock
from memory.settings import MemorySettings
from memory.sweep import Sweeper
from shared.contract.memory import (
    CLAIM_GENERATION,
    FINISH_GENERATION,
    SEND_MESSAGE,
    ClaimGeneration,
    FinishGeneration,
    SendMessage,
)


class TestClock:
    """Both clocks stand at a time that the test moves."""

    __test__ = False

    def __init__(self):
        self.seconds = 1_000_000.0
        self.jump = 0.0
        self.clock = Clock(self.now, lambda: self.seconds)

    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds + self.jump)

    def pass_by(self, seconds):
        self.seconds += seconds


class Desk:
    """Asks memory as a service would, over a short way."""

    def __init__(self, ledger, store, post, clock, settings):
        self.ledger, self.store, self.post, self.clock, self.settings = ledger, store, post, clock, settings
        self._handlers = {answer.call.name: answer.handler for answer in answers(ledger, store)}

    async def ask(self, call, question):
        return await self._handlers[call.name](call.question.decode(question.encode()))

    async def send(self, text="hello", user="ana", **more):
        return await self.ask(SEND_MESSAGE, SendMessage(user=user, text=text, **more))

    async def claim(self, generation_id, worker="w1"):
        return await self.ask(CLAIM_GENERATION, ClaimGeneration(generation_id=generation_id, worker=worker))

    async def finish(self, generation_id, epoch=1, outcome="completed", text="an answer", **more):
        question = FinishGeneration(generation_id=generation_id, epoch=epoch, outcome=outcome, text=text, **more)
        return await self.ask(FINISH_GENERATION, question)

    async def answer(self, generation_id, text="an answer"):
        claim = await self.claim(generation_id)
        assert claim.decision == "run"
        return await self.finish(generation_id, claim.epoch, text=text)

    async def sweep(self):
        await Sweeper(self.ledger, self.settings, self.clock.clock).sweep()

    async def rows(self, sql):
        return await self.store.read(lambda connection: [tuple(row) for row in connection.exec_driver_sql(sql)])

    async def until_sent(self):
        """Everything that was committed has been given to the post."""
        await self.ledger._publisher._idle.wait()


def pytest_generate_tests(metafunc):
    """Every test that opens a database is run on both, unless it is marked: `pytest.mark.sqlite`, `pytest.mark.postgresql`."""
    if "new_database" in metafunc.fixturenames:
        only = [name for name in DATABASES if metafunc.definition.get_closest_marker(name)]
        metafunc.parametrize("new_database", only or DATABASES, indirect=True)


DATABASES = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL that forgets everything when the machine stops, and is gone at the end."""
    with ExitStack() as running:
        try:
            server = running.enter_context(postgres())
        except NoPostgres as reason:
            pytest.skip(str(reason))
        yield server


@pytest.fixture(scope="session")
def templates():
    """The database that others are copies of, once there is one."""
    return {}


@pytest.fixture
def new_database(request, tmp_path):
    """Makes databases, on one of the two: `async with new_database() as url`."""

    @asynccontextmanager
    async def file():
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            yield f"sqlite:///{folder}/colloquy.db"

    @asynccontextmanager
    async def copy():
        server, templates = request.getfixturevalue("postgres_server"), request.getfixturevalue("templates")
        if server not in templates:
            templates[server] = await migrated(server)
        async with server.database(templates[server]) as url:
            yield url

    return file if request.param == "sqlite" else copy


@pytest.fixture
async def database_url(new_database, request, tmp_path):
    """Where a new database is."""
    if request.node.callspec.params["new_database"] == "sqlite":
        yield f"sqlite:///{tmp_path}/colloquy.db"
        return
    async with new_database() as url:
        yield url


@pytest.fixture
def settings(database_url):
    return MemorySettings(database_url=database_url, writers=2, readers=2)


@pytest.fixture
async def new_desk(settings):
    """Opens memory: `async with new_desk() as desk`."""

    @asynccontextmanager
    async def new(post=None, clock=None, **changed):
        limits = settings.model_copy(update=changed)
        clock, post = clock or TestClock(), post or RememberedPost()
        async with opened(limits, post, clock.clock) as (ledger, store):
            yield Desk(ledger, store, post, clock, limits)

    return new


@pytest.fixture
async def desk(new_desk):
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(new_desk())
