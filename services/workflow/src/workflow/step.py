"""What the author of a workflow has in hand: steps, sleep, events, and everything that must be the same at each replay."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from shared.contract.journal import Tick
from workflow.failure import NonRetryable
from workflow.retries import Retries

T = TypeVar("T")

DEFAULT_RETRIES = Retries()
DEFAULT_TIMEOUT = timedelta(minutes=10)
LONGEST_SLEEP = timedelta(days=365)
DAY = timedelta(days=1)


def within_a_year(duration: timedelta) -> None:
    """Raises NonRetryable for a longer one."""
    if duration > LONGEST_SLEEP:
        raise NonRetryable(f"{LONGEST_SLEEP.days} days is the longest that a workflow sleeps or waits.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a step's function is given: the same at every attempt, except for `number` and the time."""

    key: str
    """Of this step's effect, the same at every attempt: who is told it twice need not act twice (F8)."""
    number: int
    now: Callable[[], datetime]
    about: "About"

    @property
    def random(self) -> random.Random:
        """A source of chance that begins the same way at every attempt."""
        return random.Random(self.key)  # noqa: S311 - meant to be repeatable

    def new_id(self) -> str:
        """An id for what this step makes: the same at every attempt."""
        return str(UUID(int=self.random.getrandbits(128), version=4))


class Engine(Protocol):
    """What carries out steps. See `workflow.activation`."""

    async def do(self, name: str, fn: Callable[[Attempt], Awaitable[Any]], retries: Retries, timeout: timedelta) -> Any: ...

    async def sleep(self, name: str, duration: timedelta | None, until: datetime | None) -> None: ...

    async def wait(self, name: str, event: str, timeout: timedelta) -> Any: ...

    async def patched(self, name: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class About:
    """The workflow itself."""

    user: str
    workflow_id: str
    run: int
    created_at: datetime
    tick: Tick | None
    warm_only: bool = False
    """It runs in the background, for nobody who waits: see `jobs.policy`."""

    @property
    def key(self) -> str:
        """Stands for this run of this workflow, wherever it is seen."""
        return f"{self.user}:{self.workflow_id}:{self.run}"


class Step:
    """The steps of one workflow. Names may come again; they are counted."""

    def __init__(self, engine: Engine, about: About) -> None:
        self._engine = engine
        self.about = about
        self.random = random.Random(about.key)  # noqa: S311 - meant to be repeatable
        """Chance that is the same at each replay. Draw from it before branches part, not inside them."""

    async def do(
        self,
        name: str,
        fn: Callable[[Attempt], Awaitable[T]],
        *,
        retries: Retries = DEFAULT_RETRIES,
        timeout: timedelta = DEFAULT_TIMEOUT,
    ) -> T:
        """What `fn` has come to: recorded once, though `fn` may be called more than once.

        The result must be JSON, 8 MiB at most. An attempt that raises or takes longer than `timeout` is repeated as `retries`
        says; NonRetryable and what is Refused is not. Raises StepError when the step has failed for good.
        """
        result: T = await self._engine.do(name, fn, retries, timeout)
        return result

    async def sleep(self, name: str, duration: timedelta) -> None:
        """Goes on after `duration`, 365 days at most. Costs nothing meanwhile."""
        await self._engine.sleep(name, duration, None)

    async def sleep_until(self, name: str, until: datetime) -> None:
        """Goes on at this time; `until` has a timezone."""
        await self._engine.sleep(name, None, until)

    async def wait_for_event(self, name: str, type: str, *, timeout: timedelta = DAY) -> Any:  # noqa: A002 - the word for it
        """The payload of the next event of this type; one that came before is kept. Raises EventTimedOut."""
        return await self._engine.wait(name, type, timeout)

    async def patched(self, name: str) -> bool:
        """Whether the changed code of this name applies: true, unless the workflow came past here before the change."""
        return await self._engine.patched(name)

    async def now(self, name: str = "now") -> datetime:
        """The time, as it was when this was first asked."""

        async def look(attempt: Attempt) -> str:
            return attempt.now().isoformat()

        return datetime.fromisoformat(await self.do(name, look))

    def new_id(self) -> str:
        """An id that is the same at each replay."""
        return str(UUID(int=self.random.getrandbits(128), version=4))
