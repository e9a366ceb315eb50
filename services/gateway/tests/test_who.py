"""Who is asking, over a real socket: dev, tokens, cookies, foreign pages."""

import asyncio
import subprocess
import sys
import time
from typing import Any

import jwt
import pytest
from reading import events

from gateway.faults import Misconfigured

SECRET = "0123456789abcdef0123456789abcdef"
EVIL = {"origin": "https://evil.example"}


def token(user: str = "ana", seconds: float = 600) -> str:
    claims = {"sub": user, "exp": time.time() + seconds, "iss": "colloquy", "aud": "colloquy"}
    return jwt.encode(claims, SECRET, "HS256")


def bearer(user: str = "ana", seconds: float = 600) -> dict[str, str]:
    return {"authorization": f"Bearer {token(user, seconds)}"}


@pytest.fixture
async def jwt_gateway(run_gateway):
    return await run_gateway(auth="jwt", jwt_secret=SECRET)


@pytest.fixture
async def nobody(jwt_gateway):
    return await jwt_gateway.client(None)


async def test_without_a_token_every_route_answers_401_in_one_shape(nobody):
    bodies = set()
    for method, path in (
        ("GET", "/api/v1/state"),
        ("GET", "/api/v1/stream"),
        ("GET", "/api/v1/stream/c_1"),
        ("POST", "/api/v1/message"),
        ("POST", "/api/v1/conversations/c_1/stop"),
        ("GET", "/api/history"),
        ("GET", "/listChats"),
        ("POST", "/api/v1/session"),
    ):
        for headers in ({}, {"authorization": "Bearer x.y.z"}, {"authorization": "Basic YTpi"}, bearer(seconds=-600)):
            response = await nobody.request(method, path, headers=headers, params={"user": "ana"})
            assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer"), path
            bodies.add(str({**response.json()["error"], "requestId": ""}))
    assert len(bodies) == 1
    models = await nobody.get("/v1/models")
    assert (models.status_code, models.json()["error"]["type"]) == (401, "authentication_error")


async def test_a_token_opens_what_is_its_users(nobody):
    sent = await nobody.post("/api/v1/message", json={"text": "hello"}, headers=bearer("ana|1"))
    assert sent.status_code == 202
    assert "user=" not in sent.json()["streamUrl"]
    heard = await events(nobody, sent.json()["streamUrl"], last="message.completed", headers=bearer("ana|1"))
    assert heard[-1].name == "message.completed"
    assert (await nobody.get(sent.json()["streamUrl"], headers=bearer("bob"))).status_code == 404
    assert (await nobody.get("/api/v1/state", headers=bearer("ana|1"))).json()["userId"] == "ana|1"


async def test_s3_a_stream_ends_with_its_token(run_gateway):
    client = await (await run_gateway(auth="jwt", jwt_secret=SECRET, jwt_leeway=0)).client(None)
    async with asyncio.timeout(10):
        assert await events(client, "/api/v1/stream", headers=bearer(seconds=1.5)) == []


async def test_s3_a_browser_trades_its_token_for_a_cookie(nobody):
    opened = await nobody.post("/api/v1/session", headers=bearer())
    assert opened.json() == {"userId": "ana"}
    cookie = opened.headers["set-cookie"]
    for needed in ("__Host-colloquy=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age="):
        assert needed in cookie
    kept = {"cookie": cookie.partition(";")[0]}
    own = {**kept, "origin": str(nobody.base_url).rstrip("/")}
    assert (await nobody.get("/api/v1/state", headers=kept)).json()["userId"] == "ana"
    assert (await nobody.post("/api/v1/message", json={"text": "a"}, headers=own)).status_code == 202
    for foreign in (EVIL, {"origin": "null"}, {}):
        response = await nobody.post("/api/v1/message", json={"text": "a"}, headers={**kept, **foreign})
        assert (response.status_code, response.json()["error"]["code"]) == (403, "cross_origin"), foreign
    closed = await nobody.delete("/api/v1/session")
    assert "Max-Age=0" in closed.headers["set-cookie"]


async def test_m046_a_browser_without_a_name_is_one_guest(gateway):
    browser = await gateway.client(None)
    first = await browser.get("/api/v1/state")
    assert "HttpOnly" in first.headers["set-cookie"]
    again = await browser.get("/api/v1/state")
    assert "set-cookie" not in again.headers
    assert again.json()["userId"] == first.json()["userId"]
    assert (await (await gateway.client(None)).get("/api/v1/state")).json()["userId"] != first.json()["userId"]
    forged = await (await gateway.client(None)).get("/api/v1/state", headers={"cookie": "colloquy_session=ana"})
    assert forged.json()["userId"] != "ana"


@pytest.mark.parametrize("name", ["a.b", "*", ">", "a b", "日本語", "../x", "a" * 255, "x-1"])
async def test_a_user_may_be_named_anything(gateway, name):
    client = await gateway.client(name)
    accepted = (await client.post("/api/v1/message", json={"text": "hello"})).json()
    anybody = await gateway.client(None)
    heard = await events(anybody, accepted["streamUrl"], last="message.completed")
    assert heard[-1].data["message"]["text"] == "hello"


async def test_a_user_must_be_named_something(gateway):
    client = await gateway.client(None)
    for name in ("", "a" * 256):
        assert (await client.get("/api/v1/state", params={"user": name})).status_code == 400


async def test_s21_foreign_pages_can_write_nothing(ana, gateway):
    for headers in (EVIL, {"origin": "null"}, {"origin": "http://localhost:1"}, {"sec-fetch-site": "cross-site"}):
        response = await ana.post("/api/v1/message", json={"text": "a"}, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (403, "cross_origin"), headers
    assert gateway.memory.sent == []
    own = {"origin": str(ana.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    assert (await ana.post("/api/v1/message", json={"text": "a"}, headers=own)).status_code == 202


async def test_s19_a_name_that_others_point_at_this_machine_is_not_answered(ana):
    for host in (
        "evil.example",
        "evil.example:8787",
        "127.0.0.1.evil.example",
        "169.254.169.254",
        "",
        "localhost.evil.example",
    ):
        response = await ana.get("/api/v1/state", headers={"host": host})
        assert (response.status_code, response.json()["error"]["code"]) == (421, "unknown_host"), host
    for host in ("localhost", "localhost:80", "127.0.0.1", "[::1]:80", "LOCALHOST"):
        assert (await ana.get("/api/v1/state", headers={"host": host})).status_code == 200, host


async def test_pages_of_other_sites_may_call_only_when_they_are_allowed(run_gateway, ana):
    preflight = {**EVIL, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    refused = await ana.request("OPTIONS", "/api/v1/message", headers=preflight)
    assert "access-control-allow-origin" not in refused.headers
    friend = {"origin": "https://app.example.com"}
    client = await (await run_gateway(cors_origins="https://app.example.com")).client()
    allowed = await client.post("/api/v1/message", json={"text": "a"}, headers=friend)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (202, "https://app.example.com")
    checked = await client.request("OPTIONS", "/api/v1/message", headers={**preflight, **friend})
    assert checked.status_code == 200
    assert "access-control-allow-origin" not in (await client.get("/api/v1/state", headers=EVIL)).headers
    heard = await events(client, allowed.json()["streamUrl"], last="message.completed", headers=friend)
    assert heard[-1].name == "message.completed"


START: list[tuple[dict[str, str], str]] = [
    ({"GATEWAY_HOST": "0.0.0.0"}, "loopback"),
    ({"GATEWAY_HOST": "::"}, "loopback"),
    ({"GATEWAY_HOST": "example.org"}, "loopback"),
    ({"GATEWAY_AUTH": "jwt"}, "GATEWAY_JWT_SECRET"),
    ({"GATEWAY_AUTH": "jwt", "GATEWAY_JWT_SECRET": "short"}, "32 bytes"),
    ({"GATEWAY_AUTH": "jwt", "GATEWAY_JWKS_URL": "http://issuer.example"}, "https"),
    ({"GATEWAY_AUTH": "jwt", "GATEWAY_OIDC_ISSUER": "http://issuer.example"}, "GATEWAY_OIDC_ISSUER"),
    ({"GATEWAY_AUTH": "none"}, "GATEWAY_AUTH"),
    ({"GATEWAY_PORT": "99999"}, "GATEWAY_PORT"),
    ({"GATEWAY_FD": "77"}, "GATEWAY_FD"),
]


@pytest.mark.parametrize(("environment", "word"), START)
def test_settings_that_must_not_be_are_one_sentence_and_no_start(environment: dict[str, Any], word):
    done = subprocess.run(
        [sys.executable, "-m", "gateway"],
        env={"NATS_CONNECT_TIMEOUT": "1", "NATS_URL": "nats://127.0.0.1:1", **environment},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


async def test_the_page_learns_how_people_sign_in_and_speaks_to_nobody_else(run_gateway):
    plain = await (await run_gateway()).client(None)
    assert (await plain.get("/api/v1/config")).json() == {"auth": "dev"}
    issuer = "https://login.example.com/realm"
    client = await (await run_gateway(auth="jwt", oidc_issuer=issuer, oidc_client_id="web", oidc_client_secret="x")).client(
        None
    )
    shown = {"issuer": issuer, "clientId": "web", "scopes": "openid profile"}
    assert (await client.get("/api/v1/config")).json() == {"auth": "jwt", "oidc": shown}
    for each in (plain, client):
        policy = (await each.get("/")).headers["content-security-policy"]
        assert "connect-src 'self';" in policy
        assert "unsafe" not in policy


async def test_a_provider_that_is_no_address_is_refused_at_the_start(run_gateway):
    for issuer in ("login", "https://a b", "https://a; script-src *", "javascript:alert(1)", "http://login.example.com"):
        with pytest.raises(Misconfigured):
            await run_gateway(oidc_issuer=issuer)
