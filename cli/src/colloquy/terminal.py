"""What people see: plain lines, or colours where the terminal has them."""

from contextlib import suppress

from rich.console import Console
from rich.text import Text

out = Console(highlight=False, soft_wrap=True, markup=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def say(line: str, style: str = "") -> None:
    """One line to standard output. Whoever read it may have gone; what runs must not end because of that."""
    with suppress(OSError):
        out.print(Text(line, style))


def complain(line: str, style: str = "") -> None:
    """One line to standard error."""
    with suppress(OSError):
        err.print(Text(line, style))
