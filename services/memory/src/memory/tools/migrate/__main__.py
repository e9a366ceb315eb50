"""Starts moving."""

import argparse
import asyncio
import sys

from memory.tools.migrate.app import migrate
from shared.errors import Fault


def main() -> None:
    """Prints a line for each table, and one sentence when it can't be done."""
    parser = argparse.ArgumentParser(prog="memory.tools.migrate")
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--to", dest="target", required=True)
    chosen = parser.parse_args()
    try:
        counts = asyncio.run(migrate(chosen.source, chosen.target, _say))
    except Fault as fault:
        sys.exit(str(fault))
    sys.stdout.write(f"Moved {sum(counts.values())} rows.\n")


def _say(table: str, done: int, total: int) -> None:
    sys.stdout.write(f"{table}: {done} of {total}\n")


if __name__ == "__main__":
    main()
