"""F35, F36: whatever a client sends, it gets a 4xx with a code; nothing is stored and nothing breaks."""

import asyncio
import gzip
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GOOD: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/message"): {"text": "hello"},
    ("PUT", "/api/v1/messages/m_1"): {"text": "hello"},
    ("POST", "/api/v1/conversations"): {"title": "a"},
    ("PATCH", "/api/v1/conversations/c_1"): {"title": "a"},
    ("POST", "/api/v1/conversations/c_1/stop"): {"generationId": "g_1"},
    ("POST", "/api/v1/conversations/c_1/regenerate"): {"messageId": "m_1"},
    ("POST", "/api/chat"): {"message": "hello"},
    ("POST", "/api/chat/stream"): {"message": "hello"},
    ("POST", "/api/clear"): {"conversationId": "c_1"},
    ("POST", "/sendMessage"): {"text": "hello"},
    ("POST", "/v1/chat/completions"): {"messages": [{"role": "user", "content": "hello"}]},
    ("POST", "/ai/chat"): {"id": "a", "messages": [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "hello"}]}]},
}
EVENT = {"title": "a", "start": "2026-01-31T09:00:00Z", "end": "2026-01-31T10:00:00Z"}
STATE: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/tasks"): {"action": "create", "task": {"title": "a"}},
    ("POST", "/api/v1/notes"): {"text": "a", "kind": "note", "tags": ["a"]},
    ("PUT", "/api/v1/notes/n_1"): {"text": "a", "title": "a"},
    ("POST", "/api/v1/memory/pin"): {"type": "a", "key": "b", "value": 1},
    ("PUT", "/api/v1/preferences"): {"timezone": "Europe/Berlin"},
    ("PUT", "/api/v1/plan/2026-01-31"): {"priorities": ["a"], "todos": ["a"], "notes": ["a"]},
    ("POST", "/api/v1/calendar/event"): EVENT,
    ("PUT", "/api/v1/calendar/event/ev_1"): EVENT,
    ("POST", "/api/v1/personas"): {"name": "a", "systemPrompt": "a", "description": "a", "temperature": 1.0},
    ("PUT", "/api/v1/personas/p_1"): {"name": "a", "systemPrompt": "a"},
    ("POST", "/api/v1/approvals/ap_1"): {"decision": "approve", "argumentsHash": "a" * 64},
}
WORK: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/workflows"): {"type": "task", "params": {"goal": "a"}},
    ("POST", "/api/v1/workflows/w_1/restart"): {"fromStep": "plan"},
    ("POST", "/api/v1/workflows/w_1/events"): {"type": "a"},
    ("PUT", "/api/v1/schedules/daily"): {"type": "task", "cron": "0 7 * * *", "timezone": "Europe/Berlin"},
    ("POST", "/api/task"): {"goal": "a"},
}
FREE = {("PUT", "/api/v1/preferences"), ("POST", "/api/v1/memory/pin")}
ROUTES = [*GOOD, *STATE, *WORK]
STRICT = [route for route in GOOD if not route[1].startswith(("/v1", "/ai"))]
WRONG_VALUES = [5, 1.5, True, [], {}, [[]], {"a": 1}, "", "x" * 70_000]
FOREIGN_IDS = ["a.b", "*", ">", "a b", "$JS.API.>", "_INBOX.x", "../..", "ä", "x" * 65, "", "c_1\n", "\u202ec_1", "c_1\u0000"]
JSON = {"content-type": "application/json"}


def raw_bodies() -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Bodies that are wrong whatever the route."""
    yield "not JSON", b"hello", JSON
    yield "cut", b'{"text": "hel', JSON
    yield "two values", b'{"text": "a"}{"text": "b"}', JSON
    yield "an array", b'["text"]', JSON
    yield "a string", b'"text"', JSON
    yield "a number", b"7", JSON
    yield "NaN", b'{"text": NaN, "message": NaN, "title": NaN}', JSON
    yield "Infinity", b'{"text": -Infinity}', JSON
    yield "a lone surrogate", rb'{"text": "\ud800", "message": "\ud800", "title": "\udfff"}', JSON
    yield "a lone surrogate as a name", rb'{"\ud800": 1}', JSON
    yield "invalid UTF-8", b'{"text": "\xff\xfe", "message": "\xc3"}', JSON
    yield "an overlong encoding", b'{"text": "\xc0\xaf"}', JSON
    yield "UTF-16", '{"text": "a"}'.encode("utf-16"), JSON
    yield "a byte order mark", b"\xef\xbb\xbf" + b'{"text": "a"', JSON
    yield "a raw control character", b'{"text": "a\x00b"}', JSON
    yield "deep", b'{"text": ' + b"[" * 70 + b"]" * 70 + b"}", JSON
    yield "very deep", b"[" * 100_000, JSON
    yield "very deep and closed", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, JSON
    yield "5 MB", b'{"text": "' + b"a" * 5_000_000 + b'"}', JSON
    yield "a huge integer", b'{"text": ' + b"9" * 10_000 + b', "messages": ' + b"9" * 10_000 + b"}", JSON
    yield "another media type", b'{"text": "a"}', {"content-type": "text/plain"}
    yield "a form", b"text=a", {"content-type": "application/x-www-form-urlencoded"}
    yield "no media type", b'{"text": "a"}', {"content-type": ""}
    yield "another charset", '{"text": "ä"}'.encode("latin-1"), {"content-type": "application/json; charset=latin-1"}
    yield "compressed", gzip.compress(b'{"text": "a"}'), {**JSON, "content-encoding": "gzip"}


def wrong_fields(good: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Bodies of the right form with something wrong in it."""
    yield "an unknown field", {**good, "surprise": 1}
    yield "an unknown name in snake case", {**good, "conversation_id": "c_1"}
    for name in good:
        for value in WRONG_VALUES:
            yield f"{name} = {str(value)[:20]!r}", {**good, name: value}


def wrong_state() -> Iterator[tuple[str, str, Any]]:
    """What looks like a part of a state and is none."""
    for (method, path), good in STATE.items():
        yield method, path, None
        for name, value in itertools.product(good, WRONG_VALUES):
            odd = (name, value) not in ALLOWED and (method, path) not in FREE
            if odd:
                yield method, path, {**good, name: value}
        if path != "/api/v1/preferences":
            yield method, path, {**good, "surprise": 1}
    yield from wrong_tasks()
    yield from wrong_in_particular()


def wrong_tasks() -> Iterator[tuple[str, str, Any]]:
    tasks = [
        {"title": "a", "id": "t_1"},
        {},
        {"title": " "},
        {"title": "a" * 501},
        {"title": "a", "status": "completed"},
        {"title": "a", "due": "tomorrow"},
        {"title": "a", "due": "2026-02-30"},
        {"title": "a", "due": "2026-01-31T09:00"},
        {"title": "a", "due": "0001-01-01T00:00:00+14:00"},
        {"title": "a", "tags": ["x"] * 33},
        {"title": "a", "tags": ["x" * 65]},
        {"title": "a", "tags": None},
        {"title": "a", "assignee": ""},
    ]
    for task in tasks:
        yield "POST", "/api/v1/tasks", {"action": "create", "task": task}
    for action, task in itertools.product(("update", "complete", "delete"), ({}, {"id": "a.b"}, {"id": None}, {"title": "a"})):
        yield "POST", "/api/v1/tasks", {"action": action, "task": task}


def wrong_in_particular() -> Iterator[tuple[str, str, Any]]:
    for change in ({"end": "2026-01-31T08:59:59Z"}, {"start": "2026-01-31"}, {"start": 1}, {"location": ""}, {"title": "\t"}):
        yield "POST", "/api/v1/calendar/event", {**EVENT, **change}
    for plan in ({"priorities": ["a"] * 4}, {"todos": ["a"] * 6}, {"notes": ["a"] * 2}, {"todos": [""]}, {"todos": "a"}):
        yield "PUT", "/api/v1/plan/2026-01-31", plan
    for pin in ({"value": None}, {"type": ""}, {"key": "k" * 129}, {"type": 1}, {"value": 2**70}):
        yield "POST", "/api/v1/memory/pin", {"type": "a", "key": "b", "value": 1, **pin}
    for preferences in ([], "a", {"": 1}, {"k" * 129: 1}, {str(n): n for n in range(201)}, {"a": 2**70}, {"a": [-(2**64)]}):
        yield "PUT", "/api/v1/preferences", preferences


ALLOWED: list[tuple[str, Any]] = [
    *((name, []) for name in ("tags", "priorities", "todos", "notes")),
    ("description", ""),
    ("text", "x" * 70_000),
    ("temperature", 1.5),
]


def refused(response: Any) -> bool:
    error = response.json().get("error", {})
    return 400 <= response.status_code < 500 and bool(error.get("code")) and bool(error.get("message"))


@pytest.fixture
async def nothing_stored(gateway):
    yield
    assert gateway.memory.sent == []
    assert gateway.memory.conversations == {}


async def test_f35_bodies_that_are_not_ours_are_refused_on_every_route(run_gateway, memory):
    ana = await (await run_gateway()).client()
    wrong = {}
    for method, path in ROUTES:
        for name, body, headers in raw_bodies():
            response = await ana.request(method, path, content=body, headers=headers)
            if not refused(response):
                wrong[f"{method} {path}: {name}"] = f"{response.status_code} {response.text[:100]}"
    assert wrong == {}
    assert memory.sent == []
    assert memory.conversations == {}


async def test_f35_wrong_fields_are_refused_on_every_route(run_gateway, memory):
    ana = await (await run_gateway()).client()
    wrong = {}
    for method, path in STRICT:
        for name, body in wrong_fields(GOOD[method, path]):
            response = await ana.request(method, path, json=body)
            if not refused(response):
                wrong[f"{method} {path}: {name}"] = f"{response.status_code} {response.text[:100]}"
    assert wrong == {}
    assert memory.sent == []


async def test_f35_what_is_no_part_of_a_state_is_refused_before_memory_hears_of_it(run_gateway, memory):
    ana = await (await run_gateway(changes_per_minute=0)).client()
    wrong = {}
    for method, path, body in wrong_state():
        options = {"content": b"", "headers": JSON} if body is None else {"json": body}
        response = await ana.request(method, path, **options)
        if not refused(response) or response.status_code != 422:
            wrong[f"{method} {path} {str(body)[:80]}"] = f"{response.status_code} {response.text[:100]}"
    assert wrong == {}
    assert memory.person.asked == []


async def test_f35_what_is_no_workflow_is_refused_before_the_service_hears_of_it(run_gateway, workflows):
    ana = await (await run_gateway(changes_per_minute=0)).client()
    wrong = {}
    for method, path, body in wrong_work():
        response = await ana.request(method, path, json=body)
        if not refused(response) or response.status_code != 422:
            wrong[f"{method} {path} {str(body)[:80]}"] = f"{response.status_code} {response.text[:100]}"
    assert wrong == {}
    assert workflows.asked == []


def wrong_work() -> Iterator[tuple[str, str, Any]]:
    """What looks like work to be done and is none."""
    for (method, path), good in WORK.items():
        for name, body in wrong_fields(good):
            if name not in ("params = '{}'", "params = \"{'a': 1}\""):
                yield method, path, body
    for params in ([], "a", 5, {"a": 2**70}, {"a": [{"b": -(2**64)}]}):
        yield "POST", "/api/v1/workflows", {"type": "task", "params": params}
        yield "POST", "/api/v1/workflows", {"type": "task", "id": "a.b"}
    for kind in ("", "a b", "a/b", "*", ">", "ä", "x" * 65, None):
        yield "POST", "/api/v1/workflows", {"type": kind}
        yield "POST", "/api/v1/workflows/w_1/events", {"type": kind}
    for when in (
        {},
        {"cron": "* * * * *", "at": "2026-01-31T09:00:00Z"},
        {"at": "2026-01-31"},
        {"at": "tomorrow"},
        {"cron": ""},
    ):
        yield "PUT", "/api/v1/schedules/daily", {"type": "task", **when}
    yield "PUT", "/api/v1/schedules/" + "x" * 41, {"type": "task", "cron": "* * * * *"}
    yield "POST", "/api/task", {"goal": "x" * 8_001}
    yield "POST", "/api/task", {"goal": " \n"}


async def test_f35_numbers_that_json_can_not_give_back_are_refused(ana, gateway):
    for number in (b"1e400", b"-1e999", b"9" * 400, b"9223372036854775808", b"NaN", b"Infinity"):
        for method, path, body in (
            ("PUT", "/api/v1/preferences", b'{"a": %b}'),
            ("PUT", "/api/v1/preferences", b'{"a": [{"b": [%b]}]}'),
            ("POST", "/api/v1/memory/pin", b'{"type": "a", "key": "b", "value": {"c": %b}}'),
        ):
            response = await ana.request(method, path, content=body % number, headers=JSON)
            assert refused(response), (number, response.text)
    assert gateway.memory.person.asked == []
    numbers = b'{"a": [9223372036854775807, -9223372036854775807, 0.1, 1e300, -0.0, true, null]}'
    response = await ana.put("/api/v1/preferences", content=numbers, headers=JSON)
    assert response.json() == json.loads(numbers)


def json_values() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    )


def near_misses() -> st.SearchStrategy[Any]:
    """Bodies of the right form where one or more values are anything."""

    def spoilt(route: tuple[str, str]) -> st.SearchStrategy[tuple[tuple[str, str], Any]]:
        good = STATE[route]
        names = st.sampled_from([*good, "id", "kind", "tags", "due", "location", "greeting", "externalId"])
        change = st.dictionaries(names, json_values(), max_size=3).map(lambda change: {**good, **change})
        deep = json_values().map(lambda value: {**good, "task": {"title": "a", "due": value}}) if "task" in good else change
        return st.tuples(st.just(route), change | deep | json_values())

    return st.sampled_from(sorted(STATE)).flatmap(spoilt)


async def test_f35_whatever_json_is_sent_nothing_is_a_5xx(run_gateway, memory):
    ana = await (await run_gateway(changes_per_minute=0)).client()
    sent: list[tuple[tuple[str, str], Any]] = []

    @settings(max_examples=200, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(near_misses())
    def collect(case: tuple[tuple[str, str], Any]) -> None:
        sent.append(case)

    collect()
    accepted = 0
    for (method, path), body in sent:
        try:
            content = json.dumps(body).encode()
        except UnicodeEncodeError:
            continue
        response = await ana.request(method, path, content=content, headers=JSON)
        assert response.status_code < 500, (method, path, body, response.text)
        assert response.is_success or refused(response)
        accepted += response.is_success
    assert 0 < accepted < len(sent)


TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
APPROVAL = {"type": "dynamic-tool", "toolCallId": "c", "state": "approval-responded", "approval": {"id": "x", "approved": True}}
COMPLETION = {
    "model": "double",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "a"}], "name": "ana"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "b", "tool_call_id": "c"},
    ],
    "tools": [TOOL],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
    "metadata": {"a": "b"},
    "stream": False,
    "stream_options": {"include_usage": True},
    "stop": ["x"],
    "seed": 1,
    "n": 1,
}
SENT = {
    "id": "a",
    "messages": GOOD["POST", "/ai/chat"]["messages"],
    "trigger": "submit-message",
    "messageId": None,
    "model": "m",
}
DECIDED = {"id": "a", "messages": [{"id": "1", "role": "assistant", "parts": [APPROVAL]}], "messageId": "1"}
FOREIGN = [("/v1/chat/completions", COMPLETION), ("/ai/chat", SENT), ("/ai/chat", DECIDED)]
ODD: list[Any] = [None, True, 5, 2**70, "", "\0", "\u202e" * 300, [], [None], {}, {"type": 5}, {"a": {"b": [2**70, 1e300]}}]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a body where something else could stand."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        yield from places(inner, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The body with something else in that place."""
    if not path:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


async def test_f35_whatever_clients_of_other_protocols_send_nothing_is_a_5xx(run_gateway):
    ana = await (await run_gateway(rate_per_minute=0)).client()
    bodies = [(path, put(good, place, new)) for path, good in FOREIGN for place in places(good) for new in ODD]
    answered = 0
    for path, body in bodies:
        response = await ana.post(path, content=json.dumps(body), headers=JSON)
        assert response.status_code < 500, (path, body, response.text)
        assert response.is_success or refused(response)
        answered += response.is_success
    assert 0 < answered < len(bodies)


async def test_s5_ids_that_are_none_are_refused_wherever_an_id_may_stand(run_gateway, memory):
    ana = await (await run_gateway()).client()
    wrong = {}
    for bad in FOREIGN_IDS:
        quoted = "".join(f"%{byte:02x}" for byte in bad.encode())
        responses = [
            await ana.post("/api/v1/message", json={"text": "a", "conversationId": bad}),
            await ana.post("/api/v1/message", json={"text": "a", "lastSeen": bad}),
            await ana.post("/api/v1/message", json={"text": "a", "contextIds": [bad]}),
            await ana.post("/api/chat", json={"message": "a", "conversationId": bad}),
            await ana.post("/sendMessage", json={"text": "a", "chatId": bad}),
            await ana.get("/api/history", params={"conversationId": bad}),
            await ana.get("/retrieveChat", params={"chatId": bad}),
        ]
        if bad:
            responses += [
                await ana.get(f"/api/v1/stream/{quoted}"),
                await ana.get(f"/api/v1/conversations/{quoted}"),
                await ana.get(f"/api/v1/conversations/{quoted}/messages"),
                await ana.delete(f"/api/v1/conversations/{quoted}"),
                await ana.post(f"/api/v1/conversations/{quoted}/stop"),
                await ana.put(f"/api/v1/messages/{quoted}", json={"text": "a"}),
                await ana.get(f"/api/v1/tasks/{quoted}"),
                await ana.get(f"/api/v1/notes/{quoted}"),
                await ana.delete(f"/api/v1/notes/{quoted}"),
                await ana.delete("/api/v1/notes", params={"id": bad}),
                await ana.delete(f"/api/v1/memory/{quoted}"),
                await ana.delete(f"/api/v1/calendar/event/{quoted}"),
                await ana.delete(f"/api/v1/personas/{quoted}"),
                await ana.get(f"/api/v1/plan/{quoted}"),
                await ana.get("/api/v1/search", params={"q": "a", "conversationId": bad}),
                await ana.get(f"/api/v1/workflows/{quoted}"),
                await ana.post(f"/api/v1/workflows/{quoted}/pause"),
                await ana.post(f"/api/v1/workflows/{quoted}/events", json={"type": "a"}),
                await ana.get("/api/task", params={"instanceId": bad}),
                await ana.delete(f"/api/v1/schedules/{quoted}"),
            ]
        for response in responses:
            if not refused(response):
                wrong[f"{response.request.method} {response.request.url}"] = f"{response.status_code} {response.text[:100]}"
    assert wrong == {}
    assert memory.sent == []


@pytest.mark.usefixtures("nothing_stored")
async def test_bad_cursors_are_refused(ana):
    bad = [
        "",
        "0",
        "-1",
        "abc",
        "abc-",
        "-",
        "abc-x",
        "abc-" + "9" * 40,
        "a b-1",
        "*-1",
        "abc-1-2",
        "ABC-1",
        "äbc-1",
        "abc-1\n",
    ]
    for cursor in bad:
        response = await ana.get("/api/v1/stream", params={"after": cursor})
        assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_cursor"), cursor
    response = await ana.get("/api/v1/stream", headers={"last-event-id": "nonsense"}, params={"after": "abc-1"})
    assert response.json()["error"]["code"] == "bad_cursor", "the header wins"
    response = await ana.get("/api/v1/stream", params={"until": "a.b"})
    assert response.status_code == 422


@pytest.mark.usefixtures("nothing_stored")
async def test_bad_query_parameters_are_refused(ana):
    lists = ("tasks", "notes", "memory", "calendar", "state", "conversations")
    for path in (*(f"/api/v1/{name}" for name in lists), "/api/v1/search?q=a", "/api/history", "/listChats"):
        for limit in ("0", "-1", "501", "abc", "1e3", "", "9" * 5000):
            response = await ana.get(path, params={"limit": limit})
            assert refused(response), (path, limit, response.text)
    for limit in ("0", "201", "abc"):
        assert refused(await ana.get("/api/v1/workflows", params={"limit": limit})), limit
    for cursor in ("ä", "a b", "*", "abc", "_w"):
        response = await ana.get("/api/v1/workflows", params={"cursor": cursor})
        assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_cursor"), cursor
    for query in (
        "workflows?status=done",
        "workflows?type=a%20b",
        "tasks?status=done",
        "tasks?cursor=",
        "notes?kind=essay",
        f"tasks?cursor={'a' * 256}",
    ):
        assert (await ana.get(f"/api/v1/{query}")).status_code == 422, query


@pytest.mark.usefixtures("nothing_stored")
async def test_unknown_addresses_and_methods_have_the_shape_of_every_error(ana):
    for method, path, status, code in (
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/message/", 404, "not_found"),
        ("DELETE", "/api/v1/message", 405, "method_not_allowed"),
        ("POST", "/api/v1/stream", 405, "method_not_allowed"),
        ("PUT", "/api/v1/stream/c_1", 405, "method_not_allowed"),
        ("POST", "/healthz", 405, "method_not_allowed"),
    ):
        response = await ana.request(method, path)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code), (method, path)
        assert status != 405 or response.headers["allow"]


@pytest.mark.usefixtures("nothing_stored")
async def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(ana):
    head = "POST /api/v1/message?user=ana HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    answer = await spoken(ana.base_url.port, f"{head}content-length: 9000000\r\nexpect: 100-continue\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.usefixtures("nothing_stored")
async def test_s22_a_head_without_end_is_cut(ana):
    endless = (
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n" + b"x-filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 4_000
    )
    answer = await spoken(ana.base_url.port, endless)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.usefixtures("nothing_stored")
async def test_f35_what_is_no_http_has_the_shape_of_every_error(ana):
    chunked = b"POST /api/chat HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    for said in (
        b"FOO /api/v1/state HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-filler: a\x00b\r\n\r\n",
        chunked + b"ZZ\r\n{}\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
    ):
        head, _, body = (await spoken(ana.base_url.port, said)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 "), said
        assert b"content-length: %d\r\n" % len(body) in head
        error = json.loads(body)["error"]
        assert (error["code"], error["message"]) == ("bad_request", "The request can't be understood.")
        assert error["requestId"]


async def spoken(port: int, said: bytes) -> bytes:
    """What a server answers first to these bytes; nothing when it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        async with asyncio.timeout(10):
            return await reader.read(4096)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.usefixtures("nothing_stored")
async def test_headers_that_are_too_large_are_refused(ana):
    response = await ana.get("/api/v1/state", headers={"x-filler": "a" * 40_000})
    assert (response.status_code, response.json()["error"]["code"]) == (431, "headers_too_large")


async def test_every_character_that_utf8_has_comes_through(ana, gateway):
    text = "a\u0000b \u202e\u200b 🇩🇪👩‍👩‍👧 \ufdd0 é é 日本語 \U0010ffff"
    response = await ana.post("/api/v1/message", content=json.dumps({"text": text}).encode(), headers=JSON)
    assert response.status_code == 202
    assert gateway.memory.sent[0].text == text


async def test_the_text_may_be_as_long_as_the_setting_says_and_no_longer(run_gateway):
    gateway = await run_gateway(text_bytes=10)
    ana = await gateway.client()
    assert (await ana.post("/api/v1/message", json={"text": "ä" * 5})).status_code == 202
    response = await ana.post("/api/v1/message", json={"text": "ä" * 5 + "a"})
    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")
    assert len(gateway.memory.sent) == 1
