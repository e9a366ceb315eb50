"""The NATS that an installation uses: a server of its own, or one that is there already."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from colloquy.data_folder import DataFolder, write_private
from colloquy.errors import Failed, Misused
from colloquy.listener import free_port
from colloquy.nats_server import NatsConfig, NatsFailed, find_binary, render, url
from colloquy.process import Program
from colloquy.secrets_file import passwords
from shared.contract.permissions import USERS, User
from shared.provision import default_budget


@dataclass(frozen=True, slots=True)
class BusServer:
    """Where each user connects. `programs` is what has to run for it; `budget` the bytes the streams may take, 0: ask NATS."""

    urls: Mapping[User, str]
    programs: tuple[Program, ...] = ()
    budget: int = 0


def existing(address: str) -> BusServer:
    """A NATS that somebody else runs; `address` is an administrator's. Raises Misused."""
    if not all(urlsplit(part).hostname and urlsplit(part).scheme in {"nats", "tls"} for part in address.split(",")):
        raise Misused("--nats takes an address such as nats://user:password@host:4222.")
    return BusServer(dict.fromkeys(USERS, address))


def own(folder: DataFolder) -> BusServer:
    """A nats-server in the data folder, on a free port that it keeps over restarts. Raises Failed."""
    try:
        binary = find_binary()
    except NatsFailed as failure:
        raise Failed(str(failure)) from None
    secrets = passwords(folder.secrets, USERS)
    budget, port = _kept_budget(folder), free_port()
    config = NatsConfig(folder.nats, {user: secrets[user] for user in USERS}, budget, port=port)
    write_private(folder.nats_config, render(config))
    program = Program("nats-1", (str(binary), "-c", str(folder.nats_config)), {})
    return BusServer({user: url(user, secrets[user], f"127.0.0.1:{port}") for user in USERS}, (program,), budget)


def _kept_budget(folder: DataFolder) -> int:
    # Decided once: taken anew from what is free, a filling disk would shrink the streams and drop what they hold.
    path = folder.nats / "budget"
    if not path.exists():
        write_private(path, str(default_budget(folder.nats)))
    return int(path.read_text())
