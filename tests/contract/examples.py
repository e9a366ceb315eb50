"""One full example of every message of the contract. Run it to record the examples of messages that are new or have grown."""

import importlib
import inspect
import json
import pkgutil
import types
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from shared import contract
from shared.contract.base import Message
from shared.contract.person import When

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 11, 20, 12, 30, 15, 123456, tzinfo=UTC)
SAMPLES: dict[type, Any] = {
    bytes: b"\x00\xffsound",
    str: "ä \u2028 \U0001f469",
    int: 7,
    float: 0.5,
    bool: True,
    datetime: AT,
    Any: {"key": [1, None]},
}
SAMPLES[When] = "2026-11-20T12:30:15Z"


def messages() -> dict[str, type[Message]]:
    """Every message class of the contract by its name."""
    modules = (importlib.import_module(f"shared.contract.{module.name}") for module in pkgutil.iter_modules(contract.__path__))
    found = (kind for module in modules for kind in vars(module).values() if inspect.isclass(kind))
    return {kind.__name__: kind for kind in found if issubclass(kind, Message) and kind is not Message}


def example(kind: type[Message]) -> Message:
    """The message with every field set, also those that may be absent."""
    return kind.model_construct(**{name: _value(field.annotation) for name, field in kind.model_fields.items()})


def recordings(name: str) -> list[Path]:
    """The recorded examples of a message, oldest first."""
    return sorted(GOLDEN.glob(f"{name}.*.json"), key=lambda path: int(path.name.split(".")[1]))


def record() -> None:
    """Adds what is missing. What is recorded stays: somebody may still send it."""
    for name, kind in messages().items():
        recorded = recordings(name)
        wire = example(kind).wire()
        if recorded and json.loads(recorded[-1].read_text()).keys() == wire.keys():
            continue
        text = json.dumps(wire, indent=2, ensure_ascii=False) + "\n"
        (GOLDEN / f"{name}.{len(recorded) + 1}.json").write_text(text, encoding="utf-8")


def _value(annotation: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is When:
        return SAMPLES[When]
    if origin is Annotated:
        return _value(arguments[0])
    if origin is Literal:
        return arguments[0]
    if origin in (Union, types.UnionType):
        return _value(next(argument for argument in arguments if argument is not type(None)))
    if origin is list:
        return [_value(arguments[0])]
    if origin is dict:
        return {"key": _value(arguments[1])}
    return example(annotation) if inspect.isclass(annotation) and issubclass(annotation, Message) else SAMPLES[annotation]


if __name__ == "__main__":
    record()
