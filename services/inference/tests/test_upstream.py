"""F22 to F26: whatever a model's server does, the answer has one end, in time, with the right code and what was said so far."""

import asyncio
from typing import Any, NamedTuple

import fake_upstream as fake
import pytest
from turns import Turn, Work, folded

SHORT = {"first_token_seconds": 1.2, "idle_seconds": 0.8, "total_seconds": 4.0}
"""For a server that is silent. Any other must not be found silent by a slow machine."""

QUICK = {
    "retry_delay_seconds": 0.01,
    "retry_after_cap_seconds": 0.2,
    "max_output_chars": 2_000,
}
WELL = "Héllo 🙂"
KEY = "sk-very-secret"


class Case(NamedTuple):
    behaviours: list[fake.Behaviour]
    code: str | None
    text: str | None
    requests: int = 1


COMPLETE: dict[str, Case] = {
    "a server that behaves": Case([fake.well], None, WELL),
    "characters cut in pieces": Case([fake.byte_by_byte], None, WELL),
    "JSON instead of a stream": Case([fake.answers_with_json], None, WELL),
    "no [DONE]": Case([fake.closes_without_done], None, WELL),
    "stream options refused": Case([fake.dislikes_stream_options], None, WELL, 2),
    "two failures, then an answer": Case([fake.refuses("500 Oops"), fake.refuses("503 Oops"), fake.well], None, WELL, 3),
    "overloaded, then an answer": Case([fake.refuses("529 Overloaded"), fake.well], None, WELL, 2),
    "a reset before the answer, then an answer": Case([fake.resets, fake.well], None, WELL, 2),
    "F24 a Retry-After that is short": Case([fake.refuses("429 Slow", "Retry-After: 0.05"), fake.well], None, WELL, 2),
}

FAILED: dict[str, Case] = {
    "F22 it closes before it answers": Case([fake.closes_at_once], "upstream_unavailable", "", 3),
    "F22 it resets before it answers": Case([fake.resets], "upstream_unavailable", "", 3),
    "it speaks no HTTP": Case([fake.speaks_no_http], "upstream_unavailable", "", 3),
    "headers without end": Case([fake.endless_headers], "upstream_unavailable", "", 3),
    "F23 it hangs": Case([fake.hangs], "upstream_timeout", ""),
    "F23 it hangs after the headers": Case([fake.hangs_after_headers], "upstream_timeout", ""),
    "F23 comments only": Case([fake.only_comments], "upstream_timeout", ""),
    "F23 empty deltas only": Case([fake.only_empty_deltas], "upstream_timeout", ""),
    "F23 it hangs between tokens": Case([fake.half_then_hangs], "upstream_timeout", "half"),
    "F23 comments between tokens": Case([fake.half_then_comments], "upstream_timeout", "half"),
    "F23 it drips": Case([fake.drips], "upstream_timeout", None),
    "F23 it never ends": Case([fake.never_ends], "too_long", "x" * 2_000),
    "F23 it never stops thinking": Case([fake.never_stops_thinking], "too_long", ""),
    "F24 429": Case([fake.refuses("429 Slow")], "upstream_rate_limited", "", 3),
    "F24 429 with a Retry-After that is too long": Case(
        [fake.refuses("429 Slow", "Retry-After: 3600")], "upstream_rate_limited", ""
    ),
    "F24 429 with a Retry-After at the end of the world": Case(
        [fake.refuses("429 Slow", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT")], "upstream_rate_limited", ""
    ),
    "F24 500": Case([fake.refuses("500 Oops")], "upstream_unavailable", "", 3),
    "F24 502 with a page": Case([fake.refuses("502 Bad Gateway", body=b"<html>")], "upstream_unavailable", "", 3),
    "F24 529": Case([fake.refuses("529 Overloaded")], "upstream_unavailable", "", 3),
    "400": Case([fake.refuses("400 Bad Request")], "upstream_refused", ""),
    "401 that repeats the key": Case([fake.refuses("401 No", body=f'{{"error": "{KEY}"}}'.encode())], "upstream_refused", ""),
    "404": Case([fake.refuses("404 Not Found", body=b"nothing here")], "upstream_refused", ""),
    "a redirect": Case([fake.refuses("302 Found", "Location: http://169.254.169.254/")], "upstream_refused", ""),
    "an error without end": Case([fake.endless_error], "upstream_refused", ""),
    "a page": Case([fake.refuses("200 OK", "Content-Type: text/html", body=b"<html>")], "upstream_malformed", ""),
    "nothing": Case([fake.refuses("200 OK", body=b"")], "incomplete", ""),
    "F25 bad JSON": Case([fake.bad_json], "upstream_malformed", "half"),
    "F25 a line of 10 MB": Case([fake.endless_line], "upstream_malformed", "half"),
    "F25 a gzip bomb": Case([fake.compressed], "upstream_malformed", ""),
    "F25 an error in mid-stream": Case([fake.error_in_mid_stream], "upstream_unavailable", "half"),
    "F25 a tool call that is never closed": Case([fake.unclosed_tool_call], "upstream_malformed", ""),
    "F25 bad chunk sizes": Case([fake.bad_chunk_sizes], "incomplete", "half"),
    "F26 an end without finish": Case([fake.ends_early], "incomplete", "half"),
    "F26 FIN in mid-stream": Case([fake.half_then_closes], "incomplete", "half"),
    "F26 RST in mid-stream": Case([fake.half_then_resets], "incomplete", "half"),
    "F26 less than was announced": Case([fake.too_little_content], "incomplete", "half"),
}


def configured(url: str, **more: Any) -> dict[str, Any]:
    return {"base_url": url, "model": "m", "api_key": KEY, **QUICK, **more}


@pytest.mark.parametrize("name", [*COMPLETE, *FAILED])
async def test_a_misbehaving_server_leads_to_the_right_end(name: str, turn: Turn, work: Work):
    case = (COMPLETE | FAILED)[name]
    async with fake.upstream(*case.behaviours) as server:
        await work(**configured(server.url), **(SHORT if case.code == "upstream_timeout" else {}))
        end = await turn.answer("hi")
        assert (end.outcome, end.error and end.error.code) == ("failed" if case.code else "completed", case.code)
        assert case.text is None or end.text == case.text
        assert folded(await turn.log()) == end.text
        assert len(server.requests) == case.requests
        assert KEY not in end.model_dump_json()
        assert "\ufffd" not in end.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://nowhere.invalid/v1"])
async def test_f22_a_server_that_is_not_there(url: str, turn: Turn, work: Work):
    await work(**configured(url, first_token_seconds=5))
    end = await turn.answer("hi")
    assert end.error.code == "upstream_unavailable"


async def test_f22_tls_to_a_server_without_tls(turn: Turn, work: Work):
    async with fake.upstream(fake.well) as server:
        await work(
            **configured(server.url.replace("http", "https"), connect_seconds=0.2, first_token_seconds=5, total_seconds=10)
        )
        assert (await turn.answer("hi")).error.code == "upstream_unavailable"


async def test_a_server_that_has_finished_but_stays_open_is_not_waited_for(turn: Turn, work: Work):
    async with fake.upstream(fake.finishes_but_stays_open) as server:
        await work(**configured(server.url, idle_seconds=30, total_seconds=60))
        end = await turn.answer("hi")
        assert (end.outcome, end.text) == ("completed", WELL)
        await server.closed.acquire()


@pytest.mark.parametrize(
    ("behaviour", "which"),
    [(fake.hangs, "first token"), (fake.half_then_hangs, "idle"), (fake.drips, "total")],
)
async def test_the_message_says_which_deadline_passed(behaviour: fake.Behaviour, which: str, turn: Turn, work: Work):
    async with fake.upstream(behaviour) as server:
        await work(**configured(server.url), **SHORT)
        assert which in (await turn.answer("hi")).error.message
        async with asyncio.timeout(10):
            await server.closed.acquire()


async def test_the_request_is_what_every_server_understands(turn: Turn, work: Work):
    async with fake.upstream(fake.well) as server:
        await work(**configured(server.url, extra_headers={"X-Team": "7"}, system_prompt="Be brief.", tools=False))
        await turn.answer("hi 🙂", sampling={"temperature": 0.5, "max_tokens": 9})
        request = server.requests[0]
        assert request.body == {
            "model": "m",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi 🙂"}],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.5,
            "max_tokens": 9,
        }
        assert (request.headers["authorization"], request.headers["x-team"]) == (f"Bearer {KEY}", "7")
        assert request.headers["accept-encoding"] == "identity"


async def test_a_server_without_tools_answers_without(turn: Turn, work: Work):
    refused = b'{"error": {"message": "registry.ollama.ai/library/small does not support tools"}}'
    async with fake.upstream(fake.refuses("400 Bad Request", body=refused), fake.well) as server:
        await work(**configured(server.url))
        assert (await turn.answer("hi", "g_1")).text == (await turn.answer("hi", "g_2")).text == "Héllo 🙂"
        assert ["tools" in request.body for request in server.requests] == [True, False, False]


async def test_stream_options_are_refused_only_once(turn: Turn, work: Work):
    async with fake.upstream(fake.dislikes_stream_options) as server:
        await work(**configured(server.url))
        await turn.answer("hi", "g_1")
        await turn.answer("hi", "g_2")
        assert ["stream_options" in request.body for request in server.requests] == [True, False, False]


async def test_a_proxy_of_the_environment_is_not_used(turn: Turn, work: Work, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with fake.upstream(fake.well) as server:
        await work(**configured(server.url))
        assert (await turn.answer("hi")).outcome == "completed"


async def test_a_model_that_is_not_configured_is_refused_by_name(turn: Turn, work: Work):
    async with fake.upstream(fake.well) as server:
        await work(**configured(server.url))
        end = await turn.answer("hi", model="gpt-9")
        assert (end.outcome, end.error.code, server.requests) == ("failed", "unknown_model", [])
        assert (await turn.answer("count to 2", "g_2", model="colloquy-demo")).text == "1, 2"
