"""What ends a command: one sentence for the person at the terminal, and an exit status."""


class Failed(Exception):
    """It can't be done; the message is the sentence to show."""

    status = 1


class Misused(Failed):
    """The command was called in a way that can't work."""

    status = 2


def first_of(failures: BaseExceptionGroup[Failed]) -> Failed:
    """The failure to show when several were raised together."""
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
