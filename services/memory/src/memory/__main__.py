"""Starts the memory service."""

from functools import partial

from memory.app import application
from memory.settings import MemorySettings
from shared.service import run
from shared.settings import read


def main() -> None:
    """Runs until told to stop."""
    run("memory", partial(application, read(MemorySettings)))


if __name__ == "__main__":
    main()
