"""What an earlier run left behind, where the system could not end it together with `up`."""

from pathlib import Path

import psutil

from colloquy.data_folder import DataFolder
from colloquy.flight_server import FLIGHTS
from colloquy.plan import SERVICES


def running(folder: DataFolder) -> dict[str, psutil.Process]:
    """The processes of this data folder, by name. Needs nothing but the pid files."""
    found = {path.stem: _process(folder, path) for path in sorted(folder.run.glob("*-*.pid"))}
    return {name: process for name, process in found.items() if process is not None}


def end_leftovers(folder: DataFolder) -> list[str]:
    """Kills processes of a run whose `up` was killed, and removes their pid files. The folder must be locked. Returns names."""
    left = running(folder)
    for process in left.values():
        process.kill()
    psutil.wait_procs(list(left.values()), timeout=5)
    for path in folder.run.glob("*-*.pid"):
        path.unlink(missing_ok=True)
    return list(left)


def _process(folder: DataFolder, pid_file: Path) -> psutil.Process | None:
    # The number may belong to somebody else by now: the command line must be that of the service.
    service = pid_file.stem.rpartition("-")[0]
    expected = ["-m", service] if service in (*SERVICES, FLIGHTS) else ["-c", str(folder.nats_config)]
    try:
        process = psutil.Process(int(pid_file.read_text()))
        return process if process.cmdline()[-2:] == expected else None
    except (psutil.Error, OSError, ValueError):
        return None
