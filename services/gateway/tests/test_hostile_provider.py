"""S8, S20: what an OpenID provider says is checked before it is used, though its operator is trusted."""

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.adapters.fetching import client
from gateway.adapters.jwks import KeySet
from gateway.adapters.oidc import MAX_BYTES, OpenIdProvider, _checked
from gateway.faults import ProviderDown
from gateway.provider import Discovered, ProviderRefused
from gateway.settings import GatewaySettings

REDIRECT = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"


def answer(body: Any, status: int = 200, *headers: str) -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} So", f"content-length: {len(raw)}", "connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + raw


class Hostile:
    """A server that answers each path with bytes it was given; it counts what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.issuer = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1]
        self.asked.append(path)
        writer.write(self.answers.get(path, answer({}, 404)))
        writer.close()

    def document(self, **more: Any) -> dict[str, Any]:
        good = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return {name: value for name, value in {**good, **more}.items() if value is not None}

    def says(self, raw: bytes) -> None:
        self.answers["/.well-known/openid-configuration"] = raw


@asynccontextmanager
async def meeting(**settings: Any):
    hostile = Hostile()
    server = await asyncio.start_server(hostile.serve, "127.0.0.1", 0)
    hostile.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, client() as http:
        chosen = GatewaySettings(auth="jwt", oidc_issuer=hostile.issuer, **settings)
        yield hostile, OpenIdProvider(http, chosen), KeySet(http, chosen, place=lambda: _uri(hostile))


async def _uri(hostile: Hostile) -> str:
    return f"{hostile.issuer}/keys"


@pytest.mark.parametrize(
    "raw",
    [
        REDIRECT,
        answer({}, 500),
        answer(b"<html>"),
        answer([]),
        answer(None),
        answer(b"{" * 100_000),
        answer(b" " * (MAX_BYTES + 1)),
        answer(b"\x1f\x8b", 200, "content-encoding: gzip"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{",
        b"nonsense\r\n\r\n",
    ],
)
async def test_s20_an_answer_that_is_no_document_is_none(raw):
    async with meeting() as (hostile, provider, _):
        hostile.says(raw)
        with pytest.raises(ProviderDown):
            await provider.discovered()
        with pytest.raises(ProviderDown):
            await provider.discovered()
        assert len(hostile.asked) == 1, "one that is ill is not asked again for each who wants to sign in"


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "http://ana:secret@127.0.0.1/"},
        {"token_endpoint": "http://[::1/"},
        {"token_endpoint": None},
        {"token_endpoint": 7},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://login.example.com/\r\nset-cookie: a=b"},
        {"authorization_endpoint": "https://login.example.com/" + "a" * 3_000},
        {"jwks_uri": "http://10.0.0.1/keys"},
        {"end_session_endpoint": "data:text/html,x"},
        {"revocation_endpoint": "//evil.example"},
        {"token_endpoint_auth_methods_supported": "client_secret_basic"},
    ],
)
async def test_s8_a_document_that_names_what_must_not_be_is_refused_as_a_whole(change):
    async with meeting() as (hostile, provider, _):
        hostile.says(answer(hostile.document(**change)))
        with pytest.raises(ProviderDown):
            await provider.discovered()


async def test_s8_a_provider_behind_https_leads_nowhere_on_this_machine():
    named = dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), "https://login.example.com/x")
    good = Discovered(issuer="https://login.example.com", **named)
    assert _checked(good, good.issuer) is good
    with pytest.raises(ValueError, match="unsafe"):
        _checked(good.model_copy(update={"jwks_uri": "http://127.0.0.1:8222/"}), good.issuer)


TOKENS: list[tuple[bytes, type[Exception]]] = [
    (REDIRECT, ProviderRefused),
    (answer({}, 503), ProviderDown),
    (answer({}, 429), ProviderDown),
    (answer({"error": "invalid_grant"}, 400), ProviderRefused),
    (answer({"error": "<script>alert(1)</script>"}, 400), ProviderRefused),
    (answer(b"<html>", 400), ProviderRefused),
    (answer({"error": ["x"]}, 400), ProviderRefused),
    (answer(["x"], 400), ProviderRefused),
    (answer(b"<html>"), ProviderRefused),
    (answer({"id_token": 7}), ProviderRefused),
    (answer({"id_token": "a" * 20_000}), ProviderRefused),
    (answer({"id_token": "a b"}), ProviderRefused),
    (answer({"id_token": "a", "refresh_token": "b\r\nset-cookie: c"}), ProviderRefused),
    (answer(b" " * (MAX_BYTES + 1)), ProviderDown),
    (b"", ProviderDown),
]


@pytest.mark.parametrize(("raw", "fault"), TOKENS)
async def test_s20_an_answer_without_tokens_gives_none(raw, fault):
    async with meeting() as (hostile, provider, _):
        hostile.says(answer(hostile.document()))
        hostile.answers["/token"] = raw
        with pytest.raises(fault) as told:
            await provider.tokens(grant_type="authorization_code", code="secret")
        assert "script" not in f"{told.value} {getattr(told.value, 'word', '')}"


async def test_s20_keys_that_are_none_believe_nobody():
    for raw in (REDIRECT, answer({}), answer({"keys": [{"kty": "oct", "k": "AAAA", "kid": "a"}]}), b""):
        async with meeting() as (hostile, _, keys):
            hostile.answers["/keys"] = raw
            assert await keys.key("a") is None


async def test_a_document_is_used_while_its_provider_is_away_but_not_for_ever():
    async with meeting() as (hostile, _, _), client() as http:
        now = 1_000.0
        chosen = GatewaySettings(auth="jwt", oidc_issuer=hostile.issuer)
        provider = OpenIdProvider(http, chosen, clock=lambda: now)
        hostile.says(answer(hostile.document()))
        known = await provider.discovered()
        hostile.says(answer({}, 500))
        now += 3_700
        assert await provider.discovered() is known
        assert len(hostile.asked) == 2
        now += 86_400
        with pytest.raises(ProviderDown):
            await provider.discovered()
