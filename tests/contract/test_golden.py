"""F44: what any version has sent can be read by every later one."""

import importlib.util
import json
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("contract_examples", Path(__file__).with_name("examples.py"))
examples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(examples)

MESSAGES = examples.messages()
RECORDED = sorted(examples.GOLDEN.glob("*.json"))


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_is_recorded_as_it_is_now(name):
    recorded = examples.recordings(name)
    assert recorded, "record it: python tests/contract/examples.py"
    newest = json.loads(recorded[-1].read_text(encoding="utf-8"))
    assert newest.keys() == examples.example(MESSAGES[name]).wire().keys(), "it has grown: python tests/contract/examples.py"


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_F44_every_recorded_message_can_still_be_read(path):
    text = path.read_text(encoding="utf-8")
    message = MESSAGES[path.name.split(".")[0]].decode(text)
    assert message.wire().items() >= json.loads(text).items()


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_F44_a_field_from_the_future_is_ignored_at_every_depth(path):
    kind = MESSAGES[path.name.split(".")[0]]
    text = path.read_text(encoding="utf-8")
    assert kind.decode(json.dumps(_grown(json.loads(text)))).wire().items() >= _without_free_form(json.loads(text)).items()


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_survives_its_own_encoding(name):
    message = examples.example(MESSAGES[name])
    assert MESSAGES[name].decode(message.encode()).encode() == message.encode()


def _grown(value):
    if isinstance(value, dict):
        return {key: _grown(inner) for key, inner in value.items()} | {"fieldFromTheFuture": [1]}
    return [_grown(inner) for inner in value] if isinstance(value, list) else value


def _without_free_form(wire: dict) -> dict:
    """Fields that may hold any JSON keep what is put into them."""
    return {key: value for key, value in wire.items() if '"key"' not in json.dumps(value)}
