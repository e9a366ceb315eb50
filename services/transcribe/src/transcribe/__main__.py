"""Starts the transcribe service."""

from functools import partial

from shared.service import run
from shared.settings import read
from transcribe.app import application
from transcribe.settings import TranscribeSettings


def main() -> None:
    """Runs until told to stop."""
    run("transcribe", partial(application, read(TranscribeSettings)))


if __name__ == "__main__":
    main()
