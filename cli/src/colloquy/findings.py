"""What `colloquy doctor` looks at, one function a question. A finding is right, or says what to do."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import asyncpg
import httpx

from colloquy.data_folder import LEAST_FREE_MIB, DataFolder
from colloquy.development import ROOT
from colloquy.errors import Failed
from colloquy.leftovers import running
from colloquy.listener import listen
from colloquy.nats_server import NatsFailed, find_binary
from inference.catalogue import Entry, key_of
from inference.configured import catalogue_of
from inference.settings import InferenceSettings
from shared.errors import Invalid, Unavailable
from shared.observer import observe


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing stands. `advice` is empty when it is right."""

    subject: str
    state: str
    advice: str = ""


def python() -> Finding:
    """The interpreter."""
    version = sys.version.split()[0]
    advice = "" if sys.version_info >= (3, 11) else "install Python 3.11 or newer."
    return Finding("Python", f"{version} at {sys.executable}", advice)


def uv() -> Finding:
    """The installer of the dependencies."""
    private = ROOT / ".colloquy" / "uv" / "bin" / "uv"
    found = shutil.which("uv") or (str(private) if private.exists() else None)
    return Finding("uv", found or "missing", "" if found else "start ./colloquy once: it installs uv.")


def nats_binary() -> Finding:
    """The NATS server's program."""
    try:
        binary = find_binary()
        told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True, timeout=10)  # noqa: S603 - ours
    except (NatsFailed, OSError, subprocess.SubprocessError) as trouble:
        return Finding("nats-server", str(trouble), "delete .venv and start ./colloquy again.")
    return Finding("nats-server", told.stdout.strip())


def disk(folder: DataFolder) -> Finding:
    """Room and right to write where the data is."""
    place = next(path for path in (folder.root, *folder.root.parents) if path.exists())
    free = shutil.disk_usage(place).free >> 20
    advice = "" if free >= LEAST_FREE_MIB else f"make room: at least {LEAST_FREE_MIB} MiB are needed."
    try:
        probe = place / ".colloquy-doctor"
        probe.touch()
        probe.unlink()
    except OSError as error:
        advice = f"it can't be written ({error.strerror}): choose another folder with --data."
    return Finding("Disk", f"{free} MiB free at {place}", advice)


def port(number: int, *, is_up: bool) -> Finding:
    """Whether the gateway can have its port."""
    if is_up:
        return Finding("Port", "the gateway has its port")
    try:
        listen("127.0.0.1", number).close()
    except Failed as failure:
        return Finding("Port", f"{number} is taken", str(failure))
    return Finding("Port", f"{number} is free")


def processes(folder: DataFolder) -> Finding:
    """What runs on the data folder."""
    names = list(running(folder))
    if not names:
        return Finding("Processes", "Colloquy does not run on this folder")
    return Finding("Processes", ", ".join(names))


async def postgres(address: str) -> Finding:
    """Whether the server answers. `address` may hold a password."""
    try:
        async with asyncio.timeout(5):
            # Typed no further than this by asyncpg.
            connect = cast("Any", asyncpg.connect)
            connection = await connect("postgresql" + address[address.index("://") :])
            version = connection.get_server_version().major
            await connection.close()
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as trouble:
        # Not its words: they may quote the address.
        state = f"PostgreSQL does not answer ({type(trouble).__name__})"
        return Finding("Database", state, "look at the server, and at MEMORY_DATABASE_URL.")
    return Finding("Database", f"PostgreSQL {version} answers")


def database(folder: DataFolder) -> Finding:
    """Whether the database is whole."""
    if not folder.database.exists():
        return Finding("Database", "not made yet; the first start does it")
    try:
        connection = sqlite3.connect(f"{folder.database.as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        verdict = str(error)
    advice = "" if verdict == "ok" else "stop Colloquy, keep a copy of the folder, and restore a backup."
    return Finding("Database", f"{folder.database} {'is whole' if verdict == 'ok' else verdict}", advice)


async def nats(folder: DataFolder) -> Finding:
    """A round trip to the NATS that runs."""
    try:
        async with observe(folder.events_url.read_text().strip(), "analytics", timeout=3) as observer:
            seconds = await observer.round_trip()
    except (Unavailable, OSError) as trouble:
        return Finding("NATS", f"does not answer: {trouble}", f"see {folder.log('nats-1')}; restart `colloquy up`.")
    return Finding("NATS", f"answers in {seconds * 1000:.1f} ms")


async def gateway(folder: DataFolder) -> Finding:
    """Whether the gateway that runs takes requests."""
    try:
        address = folder.address.read_text().strip()
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            status = (await client.get(f"{address}/readyz")).status_code
    except (httpx.TransportError, OSError) as trouble:
        return Finding("Gateway", f"does not answer: {trouble}", f"see {folder.log('gateway-1')}.")
    advice = "" if status == 200 else f"see the logs in {folder.log('gateway-1').parent}."
    return Finding("Gateway", f"{address} {'is ready' if status == 200 else f'answers {status} to /readyz'}", advice)


async def models(settings: InferenceSettings, environment: Mapping[str, str]) -> list[Finding]:
    """Whether the server of each model can be reached."""
    try:
        entries = [entry for entry in catalogue_of(settings).entries.values() if entry.provider == "openai"]
        keys = {entry.id: key_of(entry, environment) for entry in entries}
    except Invalid as invalid:
        return [Finding("Models", str(invalid), "see docs/models.md.")]
    if not entries:
        none = "none is configured; the built-in commands answer (INFERENCE_BASE_URL or INFERENCE_MODELS sets one)"
        return [Finding("Model", none)]
    asked = {(entry.base_url, keys[entry.id]): entry for entry in reversed(entries)}
    return [await _server(entry, keys[entry.id]) for entry in reversed(asked.values())]


async def _server(entry: Entry, key: str) -> Finding:
    url = f"{entry.base_url.rstrip('/')}/models"
    headers = {name: value.get_secret_value() for name, value in entry.headers.items()}
    if key:
        headers.setdefault("Authorization", f"Bearer {key}")
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            status = (await client.get(url, headers=headers)).status_code
    except (httpx.TransportError, httpx.InvalidURL) as trouble:
        return Finding("Model", f"{url} can't be reached: {trouble}", f"is the address of {entry.id} right, and does it run?")
    if status in {401, 403}:
        return Finding("Model", f"{url} refuses the key of {entry.id} ({status})", "set INFERENCE_API_KEY, or its api_key.")
    return Finding("Model", f"{url} answers {status}")
