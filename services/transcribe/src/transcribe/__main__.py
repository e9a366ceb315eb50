"""Starts the transcribe service."""

from functools import partial

from shared import __version__
from shared.service import idle, run


def main() -> None:
    """Runs until told to stop."""
    run("transcribe", partial(idle, "transcribe", __version__))


if __name__ == "__main__":
    main()
