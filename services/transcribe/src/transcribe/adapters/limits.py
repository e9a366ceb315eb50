"""What a process that reads foreign bytes may do: compute and talk over the one socket it has. Nothing else (S12)."""

import ctypes
import os
import resource
import signal
from pathlib import Path
from typing import Final

CLONE_NEWNET: Final = 0x4000_0000
CLONE_NEWUSER: Final = 0x1000_0000
PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_NO_NEW_PRIVS: Final = 38

SESSION_FD: Final = 3
"""Where the socket of a child is. There is room for no other file: opening one, or a socket, fails."""

PROBING_CPU_SECONDS: Final = 8
"""Until it is known how long the audio is."""

PAGE: Final = resource.getpagesize()


def libc() -> ctypes.CDLL:
    """The C library of this process. Raises OSError where it is not there to be asked."""
    return ctypes.CDLL(None, use_errno=True)


def leave_network() -> bool:
    """Puts this process and all its children where there is no network; whether that was allowed."""
    try:
        unshare = libc().unshare
    except (OSError, AttributeError):
        return False
    return any(unshare(flags) == 0 for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET))


def die_with_parent() -> None:
    """Killed when the process that made it ends, however that ends."""
    try:
        libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):  # not Linux: the end of the socket ends it
        return


def confine(memory: int) -> None:
    """Takes away everything but `SESSION_FD`, and memory beyond `memory` bytes more than it has."""
    most = _virtual_bytes() + memory  # while a file can still be opened
    os.closerange(SESSION_FD + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    _limit(resource.RLIMIT_NOFILE, SESSION_FD + 1)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, most)
    allow_cpu(PROBING_CPU_SECONDS)
    try:
        libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return


def allow_cpu(seconds: float) -> None:
    """So many seconds of computing from the beginning on, and the kernel ends it."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, hard))


def _limit(kind: int, most: int) -> None:
    resource.setrlimit(kind, (most, most))


def _virtual_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[0]) * PAGE
    except OSError:
        return 1 << 30
