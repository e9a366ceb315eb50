"""The keys of steps as operation ids."""

from hashlib import sha256


def operation_id(key: str, part: str = "") -> str:
    """The key of a step as the operation id of a change: the same at every attempt, and short. `part`: one of several."""
    return "w_" + sha256(f"{key}\0{part}".encode() if part else key.encode()).hexdigest()[:40]
