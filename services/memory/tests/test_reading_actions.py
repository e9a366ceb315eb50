"""The grammar of requests: what asks for something, and the JSON in ordinary answers that does not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.action import MOST, requested
from shared.contract.person import Action

TASK = {"event": "create_task", "payload": {"title": "t"}}
ONE = json.dumps({"actions": [TASK]})


def titles(text):
    return [order.payload.get("title") for order in requested("ana", text).orders]


@pytest.mark.parametrize(
    "text",
    [
        ONE,
        f"  {ONE}\n",
        f"Done.\n```json\n{ONE}\n```\nAnything else?",
        f"Done.\n~~~~ actions\n[{json.dumps(TASK)}]\n~~~~",
        f"Done.\r\n```actions\r\n{ONE}\r\n```",
        f"```actions\n{ONE}",
        f"Done.\n{ONE}\nBye.",
        f"Done.\n{json.dumps({'actions': [TASK]}, indent=2)}",
        '```json\n{"tasks": ["t"]}\n```',
        f"```actions\n{json.dumps({'tasks': ['old']})}\n```\nNo:\n```actions\n{ONE}\n```",
        json.dumps({"actions": [{"event": "create_task", "payload": {"title": "t", "userId": "ben", "operation_id": "x"}}]}),
    ],
)
def test_m039_a_request_is_found_with_prose_and_fences_around_it(text):
    assert titles(text) == ["t"]


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"tasks": ["t"], "name": "my config"}\n```',
        '```python\n{"tasks": ["t"]}\n```',
        '```\n{"actions": []}\n```',
        'An example:\n{"tasks": ["t"]}\n',
        f"To ask for it write `{ONE}`.",
        f"````markdown\n```actions\n{ONE}\n```\n````",
        f"> ```actions\n> {ONE}\n> ```",
        f"    {ONE}\n  and that is all",
        '```actions\n[{"event": NaN}]\n```',
        '{"actions": [{"event": "create_task", "payload": {"title": "t"}}]',
        '{"actions": "delete everything"}',
        "{" * 50_000,
        '{"actions":' + "[" * 50_000,
        '{"tasks": ["\\ud800"]}',
        '{"tasks": ["a\\u0000b"]}',
        json.dumps({"tasks": ["t" * 70_000]}),
    ],
)
def test_m039_other_json_of_an_answer_creates_nothing(text):
    assert titles(text) == []


def test_more_actions_than_one_answer_may_have_are_skipped_and_counted():
    found = requested("ana", json.dumps({"actions": [TASK] * (MOST + 2)}))
    assert (len(found.orders), found.skipped) == (MOST, ("too_many", "too_many"))


def test_a_payload_can_name_neither_another_user_nor_what_would_be_replaced():
    hostile = {"title": "t", "start": "2026-01-01T00:00:00Z", "end": "2026-01-01T01:00:00Z", "user": "ben", "eventId": "ev_1"}
    (order,) = requested("ana", "", [Action(event="create_event", payload=hostile)]).orders
    assert (order.change.user, order.change.event_id, set(order.payload)) == ("ana", None, {"title", "start", "end"})


def test_a_payload_nested_deeper_than_anything_sensible_is_skipped():
    value = "x"
    for _ in range(20):
        value = [value]
    found = requested("ana", "", [Action(event="pin_memory", payload={"type": "a", "key": "b", "value": value})])
    assert (found.orders, found.skipped) == ((), ("too_deep",))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["actions", "tasks", "notes", "summary", "event", "payload", "title"]), inner, max_size=3
        )
    ),
)


@given(st.lists(JSON.map(json.dumps) | st.sampled_from(["```actions\n", "```json\n", "\n```\n", "~~~", "\n", "{", "}", '"'])))
def test_no_text_breaks_the_reader(parts):
    requested("ana", "".join(parts))
