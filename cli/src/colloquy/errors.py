"""What ends a command: one sentence for the person at the terminal, and an exit status."""


class Failed(Exception):
    """It can't be done; the message is the sentence to show."""

    status = 1


class Misused(Failed):
    """The command was called in a way that can't work."""

    status = 2
