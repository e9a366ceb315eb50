"""`colloquy setup`: passwords, keys and the NATS configuration for containers, each in the folder of its owner."""

import secrets
from pathlib import Path
from typing import get_args

from colloquy.data_folder import write_private
from colloquy.nats_server import NatsConfig, render, url
from colloquy.plan import Service
from colloquy.secrets_file import passwords
from shared.contract.permissions import USERS, User
from shared.provision import default_budget

STORE = Path("/data")
"""Where the nats container keeps its streams."""
ADDRESS = "nats:4222"
MONITOR = 'http: "127.0.0.1:8222"\n'
"""For the container's own health check; nobody else reaches it."""


def set_up(folder: Path) -> None:
    """Writes what is missing below `folder`: one folder a service, `admin`, `nats`, `store`. Run again, it keeps all secrets.

    A file named like a setting, in lower case, is that setting for the container that has the folder as /run/secrets.
    """
    admin = folder / "admin"
    known = passwords(admin / "passwords.json", USERS)
    keys: dict[User, str] = {user: known[user] for user in USERS}
    for service in get_args(Service):
        write_private(folder / service / "nats_url", url(service, keys[service], ADDRESS))
    write_private(admin / "nats_url", url("admin", keys["admin"], ADDRESS))
    write_private(admin / "nats_url_to_listen", url("analytics", keys["analytics"], ADDRESS))
    budget = int(_kept(admin / "provision_budget_bytes", str(default_budget(folder / "store"))))
    # Not empty, so that no engine gives the volume to the owner of the same folder in the image of NATS.
    write_private(folder / "store" / "budget", str(budget))
    write_private(folder / "nats" / "nats.conf", render(NatsConfig(STORE, keys, budget, host="0.0.0.0", port=4222)) + MONITOR)  # noqa: S104 - inside its network
    for service, name in (("gateway", "jwt_secret"), ("gateway", "service_token"), ("memory", "audit_key")):
        file = f"{service}_{name}"
        write_private(folder / service / file, _kept(admin / file, secrets.token_urlsafe(48)))


def _kept(path: Path, text: str) -> str:
    """What the file holds; made with `text` if there is none."""
    if not path.exists():
        write_private(path, text)
    return path.read_text(encoding="utf-8")
