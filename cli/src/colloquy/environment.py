"""The environment of each process: only what concerns it, and where its neighbours are."""

from collections.abc import Mapping

from colloquy.plan import SERVICES


def environment_of(service: str, everything: Mapping[str, str]) -> dict[str, str]:
    """What the user set for this service and in general, without what belongs to another one, such as its keys."""
    foreign = tuple(f"{other.upper()}_" for other in SERVICES if other != service)
    return {name: value for name, value in everything.items() if not name.startswith(foreign)}


def metrics_port(everything: Mapping[str, str], place: int) -> dict[str, str]:
    """A port of its own for the metrics of each process, counted up from the one that was set."""
    first = everything.get("METRICS_PORT", "0")
    return {"METRICS_PORT": str(int(first) + place)} if first.isdigit() and int(first) else {}
