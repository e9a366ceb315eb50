"""Starts a program that is killed when its starter dies. Run as a file: `python -I leash.py STARTER PROGRAM ARGUMENT…`."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Becomes the program. A file of its own and not a `preexec_fn`, because forking a program with threads can hang."""
    starter, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        # SIGKILL: what is lost by it is nothing, and nothing can ignore it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != starter:
        raise SystemExit(1)
    os.execv(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
