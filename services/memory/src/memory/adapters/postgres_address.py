"""Where the PostgreSQL database is, and how to get to it. The address holds a password: it is in no log and no error (S14)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from memory.adapters.postgres_errors import state_of
from shared.errors import Refused

SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
CONNECT_SECONDS = 10
STATEMENTS = 1000
"""Statements that a connection keeps prepared: more than there are."""


class DatabaseRefused(Refused):
    """The database server does not let memory in as it is set up."""

    code = "database_refused"


_ADVICE = {
    "28P01": "The database server refuses the password in MEMORY_DATABASE_URL.",
    "28000": "The database server refuses the user in MEMORY_DATABASE_URL.",
    "3D000": "There is no such database as MEMORY_DATABASE_URL names: create it first.",
    "42501": "The user in MEMORY_DATABASE_URL may not make tables in this database: make it the owner.",
}


def is_postgres(url: str) -> bool:
    """Whether the address is one of PostgreSQL."""
    return url.partition("://")[0] in SCHEMES


def advice(error: BaseException) -> DatabaseRefused | None:
    """What whoever set it up has to do, if that is what is wrong."""
    sentence = _ADVICE.get(state_of(error))
    return None if sentence is None else DatabaseRefused(sentence)


@dataclass(frozen=True, slots=True)
class Address:
    """A database server, and how long it may take. Everything that libpq takes in an address is understood."""

    url: str
    command_seconds: float
    parameters: Mapping[str, str]
    """Settings of the session: https://www.postgresql.org/docs/current/runtime-config-client.html"""

    def __repr__(self) -> str:
        """Nothing of it."""
        return "Address()"

    async def connect(self, **_: Any) -> Any:
        """A new connection."""
        dsn = "postgresql" + self.url[self.url.index("://") :]
        try:
            return await asyncpg.connect(  # pyright: ignore[reportUnknownVariableType]
                dsn,
                timeout=CONNECT_SECONDS,
                command_timeout=self.command_seconds,
                statement_cache_size=STATEMENTS,
                max_cached_statement_lifetime=0,
                server_settings=dict(self.parameters),
            )
        except (ValueError, asyncpg.ClientConfigurationError):
            raise Refused("MEMORY_DATABASE_URL is not a database URL.") from None

    def engine(self, size: int) -> AsyncEngine:
        """At most `size` connections, in autocommit: who uses one begins and ends its transactions in so many words."""
        creator: Callable[..., Awaitable[Any]] = self.connect
        return create_async_engine(
            "postgresql+asyncpg://",
            async_creator=creator,
            pool_size=size,
            max_overflow=0,
            hide_parameters=True,  # S14: errors quote them
            isolation_level="AUTOCOMMIT",
        )


def check(url: str) -> None:
    """Raises Refused when it can't be an address; what is wrong with it is not quoted."""
    try:
        parts = urlsplit(url)
        complete = parts.scheme in SCHEMES and len(parts.path) > 1
        _ = parts.port
    except ValueError:
        complete = False
    if not complete:
        raise Refused("MEMORY_DATABASE_URL must name a database: postgresql://user:password@host:5432/database")
