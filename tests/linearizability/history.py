"""What clients asked and what they were told, with the moments of both on one clock."""

import itertools
import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NEVER = 1 << 62
"""The moment of an answer that did not come: until then its question may have had its effect."""


@dataclass(frozen=True, slots=True)
class Ok:
    """What was answered, in the names of the model."""

    value: Hashable = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The code of the refusal."""

    code: str


Outcome = Ok | Refused | None
"""None: nobody knows whether it happened."""


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One operation of one client. It took effect once between `called` and `returned`; without an outcome, perhaps never."""

    client: str
    kind: str
    args: dict[str, Any]
    called: int
    returned: int
    outcome: Outcome

    def __str__(self) -> str:
        told = "?" if self.outcome is None else self.outcome
        until = "" if self.returned == NEVER else self.returned
        args = ", ".join(f"{name}={value}" for name, value in self.args.items())
        return f"[{self.called}-{until}] {self.client}: {self.kind}({args}) → {told}"


@dataclass(slots=True)
class History:
    """What happened to one user. `seed` is what the clients' plans were drawn from."""

    seed: int
    user: str
    conversations: list[str]
    ops: list[Op] = field(default_factory=list[Op])
    tick: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    def save(self, folder: Path) -> Path:
        """Writes it down for whoever has to find out what went wrong."""
        path = folder / f"history-{self.seed}.jsonl"
        lines = [json.dumps({"seed": self.seed, "user": self.user, "conversations": self.conversations})]
        lines += [json.dumps(_plain(op)) for op in sorted(self.ops, key=lambda op: op.called)]
        path.write_text("\n".join(lines) + "\n")
        return path


def load(path: Path) -> History:
    """What `save` wrote."""
    first, *rest = map(json.loads, path.read_text().splitlines())
    history = History(first["seed"], first["user"], first["conversations"])
    history.ops = [_op(line) for line in rest]
    return history


def _plain(op: Op) -> dict[str, Any]:
    told = {"ok": op.outcome.value} if isinstance(op.outcome, Ok) else {"refused": op.outcome.code} if op.outcome else {}
    return {"client": op.client, "kind": op.kind, "args": op.args, "called": op.called, "returned": op.returned, **told}


def _op(line: dict[str, Any]) -> Op:
    outcome = Ok(_frozen(line["ok"])) if "ok" in line else Refused(line["refused"]) if "refused" in line else None
    return Op(line["client"], line["kind"], line["args"], line["called"], line["returned"], outcome)


def _frozen(value: Any) -> Hashable:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
