"""`./colloquy`, the file at the root: from anywhere, and clear when it can't."""

import os
import shutil
import subprocess

import pytest

from colloquy.development import ROOT
from shared import __version__

TOOLS = ("sh", "dirname", "readlink", "mkdir", "rm", "mv", "tail")


# What the wrapper itself exports: these tests may have been started by one.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}


def run(command, *arguments, **environment):
    return subprocess.run(
        [command, *arguments], capture_output=True, text=True, check=False, timeout=120, env={**ENVIRONMENT, **environment}
    )


@pytest.fixture
def bare(tmp_path):
    """A checkout with nothing installed, in a folder with a space, and a PATH with the tools of every system only."""
    checkout, path = tmp_path / "a checkout", tmp_path / "bin"
    checkout.mkdir()
    path.mkdir()
    shutil.copy(ROOT / "colloquy", checkout)
    for tool in TOOLS:
        (path / tool).symlink_to(shutil.which(tool))
    return checkout / "colloquy", path


def put(path, name, text):
    (path / name).write_text(f"#!/bin/sh\n{text}\n")
    (path / name).chmod(0o755)


def test_it_works_through_symlinks_from_a_folder_with_spaces_beside_modules_with_our_names(tmp_path, monkeypatch):
    elsewhere = tmp_path / "some where"
    elsewhere.mkdir()
    (elsewhere / "shared.py").write_text("raise SystemExit('not this one')")
    (elsewhere / "first").symlink_to(ROOT / "colloquy")
    (elsewhere / "second").symlink_to("first")
    monkeypatch.chdir(elsewhere)
    told = run("./second", "version")
    assert (told.stdout.strip(), told.returncode) == (__version__, 0), told.stderr


@pytest.mark.parametrize("old_python", [False, True])
def test_without_a_new_enough_python_it_says_so(bare, old_python):
    wrapper, path = bare
    if old_python:
        put(path, "python3", "exit 1")
    told = run(wrapper, "version", PATH=str(path))
    assert (told.returncode, told.stderr) == (1, "colloquy: Python 3.11 or newer is needed and none was found on the PATH.\n")


def test_without_uv_and_without_pip_it_says_what_to_do(bare):
    wrapper, path = bare
    # The wrapper asks for the interpreter behind python3; this one names itself.
    put(path, "python3", f'case "$*" in *pip*|*venv*) echo "No module named pip" >&2; exit 1;; *) echo {path}/python3;; esac')
    told = run(wrapper, "version", PATH=str(path))
    assert told.returncode == 1
    assert "uv could not be installed with pip" in told.stderr
    assert not list(wrapper.parent.glob(".colloquy/*"))
