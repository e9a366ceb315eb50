"""Starts the memory service."""

from functools import partial

from memory.app import application
from memory.settings import MemorySettings
from shared.service import run


def main() -> None:
    """Runs until told to stop."""
    run("memory", partial(application, MemorySettings()))


if __name__ == "__main__":
    main()
