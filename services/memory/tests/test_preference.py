"""What preferences look like."""

import pytest

from memory.preference import changed
from shared.errors import Invalid, LimitReached, TooLarge


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("timezone", "Europe/Berlin"),
        ("timezone", "UTC"),
        ("workHours", {"start": "09:00", "end": "17:30"}),
        ("workHours", {"start": "22:00", "end": "06:00", "days": ["mon", "sun"]}),
        ("language", "en"),
        ("language", "zh-Hant-TW"),
        ("notifications", False),
        ("notifications", {"email": True, "push": False}),
        ("home", "Berlin, Germany"),
        ("toolPolicy", {"create_task": "ask", "shop__*": "never", "list_tasks": "auto"}),
        (
            "mcpServers",
            {"a": {"url": "https://docs.example.org/mcp"}, "b-1": {"url": "https://a.example", "policy": "auto"}},
        ),
        ("theme.color", {"dark": [1, None, {"x": "\0"}]}),
    ],
)
def test_a_value_of_its_form_is_kept_as_it_is(key, value):
    assert changed({}, {key: value}, ())[0] == {key: value}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("timezone", "Europe/Atlantis"),
        ("timezone", "../../etc/passwd"),
        ("timezone", "Europe"),
        ("timezone", ["UTC"]),
        ("workHours", "9-17"),
        ("workHours", {"start": "09:00"}),
        ("workHours", {"start": "9:00", "end": "17:00"}),
        ("workHours", {"start": "09:00", "end": "24:00"}),
        ("workHours", {"start": "09:00", "end": "09:00"}),
        ("workHours", {"start": "09:00", "end": "17:00", "days": ["monday"]}),
        ("workHours", {"start": "09:00", "end": "17:00", "days": ["mon", "mon"]}),
        ("workHours", {"start": "09:00", "end": "17:00", "days": [["mon"]]}),
        ("workHours", {"start": "09:00", "end": "17:00", "days": 1}),
        ("workHours", {"start": "09:00", "end": "17:00", "lunch": "12:00"}),
        ("language", "english please"),
        ("language", 1),
        ("notifications", "yes"),
        ("notifications", {"email": 1}),
        ("notifications", {"e mail": True}),
        ("home", ""),
        ("toolPolicy", "ask"),
        ("toolPolicy", {"create_task": "sometimes"}),
        ("toolPolicy", {"create_task": ["ask"]}),
        ("mcpServers", ["https://docs.example.org/mcp"]),
        ("mcpServers", {"docs": "https://docs.example.org/mcp"}),
        ("mcpServers", {"docs": {"url": "http://docs.example.org/mcp"}}),
        ("mcpServers", {"docs": {"url": "https://docs.example.org/mcp", "policy": "sometimes"}}),
        ("mcpServers", {"docs": {"url": "https://docs.example.org/mcp", "headers": {}}}),
        ("mcpServers", {"My Docs": {"url": "https://docs.example.org/mcp"}}),
        ("home", "x" * 256),
        ("home", {"town": "Berlin"}),
        ("with space", 1),
        ("", 1),
        ("k" * 65, 1),
        ("number", float("inf")),
        pytest.param("number", 10**5000, id="a number too long to write"),
    ],
)
def test_m033_a_value_of_another_form_is_refused_with_a_sentence(key, value):
    with pytest.raises(Invalid) as refused:
        changed({}, {key: value}, ())
    assert str(refused.value).endswith(".")


def test_null_removes_a_key_as_remove_does():
    old = {"language": "de", "a": 1, "b": 2}
    assert changed(old, {"language": None, "c": 3}, ["a", "unknown"])[0] == {"b": 2, "c": 3}


def test_preferences_have_a_number_a_length_and_a_depth():
    with pytest.raises(LimitReached):
        changed({f"k{number}": 1 for number in range(200)}, {"more": 1}, ())
    assert len(changed({f"k{number}": 1 for number in range(200)}, {"k1": None, "more": 1}, ())[0]) == 200
    with pytest.raises(TooLarge):
        changed({"a": "x" * 40_000}, {"b": "ä" * 20_000}, ())
    deep = 1
    for _ in range(16):
        deep = [deep]
    with pytest.raises(Invalid):
        changed({}, {"deep": deep}, ())
    assert changed({}, {"deep": deep[0]}, ())[0]
