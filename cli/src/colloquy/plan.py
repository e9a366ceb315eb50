"""What `up` runs: which services, and how many of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from colloquy.errors import Misused

Service = Literal["memory", "inference", "transcribe", "workflow", "gateway"]
SERVICES: tuple[Service, ...] = get_args(Service)
WORKERS: tuple[Service, ...] = ("inference", "transcribe", "workflow")
MOST_COPIES = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """How many processes of each service."""

    copies: Mapping[Service, int]

    def names(self, *services: Service) -> Iterator[tuple[Service, str]]:
        """`("inference", "inference-1")`, `("inference", "inference-2")`, … of these services."""
        for service in services:
            for number in range(1, self.copies[service] + 1):
                yield service, f"{service}-{number}"


def planned(scale: str) -> Plan:
    """The plan for `inference=2,gateway=1`; what is not named runs once. Raises Misused."""
    copies = dict.fromkeys(SERVICES, 1)
    named: dict[str, Service] = {service: service for service in SERVICES}
    for part in filter(None, (part.strip() for part in scale.split(","))):
        name, _, count = (half.strip() for half in part.partition("="))
        service = named.get(name)
        if service is None:
            raise Misused(f"There is no service {name!r} to scale; there are {', '.join(SERVICES)}.")
        if not (count.isascii() and count.isdigit() and 1 <= int(count[:4]) <= MOST_COPIES):
            raise Misused(f"{name}={count} is not a number of processes from 1 to {MOST_COPIES}.")
        copies[service] = int(count)
    return Plan(copies)


def check_database(plan: Plan, database: str) -> None:
    """SQLite has one writing process. Raises Misused when the plan asks for more."""
    if plan.copies["memory"] > 1 and database.startswith("sqlite"):
        raise Misused(
            "SQLite is written by one process only: leave memory at 1, which keeps up with hundreds of messages a second, "
            "or set MEMORY_DATABASE_URL=postgresql://user:password@host/database (`colloquy migrate` moves what there is)."
        )
