"""S2: the issuer's keys rotate, vanish, and are asked for by strangers."""

import json
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from gateway.adapters.jwks import MAX_BYTES, STALE_SECONDS, KeySet
from gateway.adapters.jwt import JwtAuthenticator
from gateway.faults import Misconfigured
from gateway.settings import GatewaySettings
from shared.errors import Unauthenticated

URL = "https://issuer.example/keys"


class Issuer:
    """An issuer with keys that can be changed, and a clock."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.fetches = 0
        self.now = 1000.0
        self.answer: httpx.Response | Exception | None = None
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.respond))
        self.settings = GatewaySettings(auth="jwt", jwks_url=URL)
        self.set = KeySet(client, self.settings, clock=lambda: self.now)

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.fetches += 1
        assert str(request.url) == URL
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or httpx.Response(200, json={"keys": [self.public(kid) for kid in self.keys]})

    def rotate(self, kid: str) -> None:
        self.keys = {kid: ec.generate_private_key(ec.SECP256R1())}

    def public(self, kid: str) -> dict[str, Any]:
        return {**json.loads(ECAlgorithm.to_jwk(self.keys[kid].public_key())), "kid": kid}


@pytest.fixture
def issuer() -> Issuer:
    issuer = Issuer()
    issuer.rotate("one")
    return issuer


async def test_s2_keys_are_fetched_once_and_again_when_they_are_old(issuer):
    for _ in range(100):
        assert await issuer.set.key("one")
    assert issuer.fetches == 1
    issuer.now += issuer.settings.jwks_cache + 1
    assert await issuer.set.key("one")
    assert issuer.fetches == 2


async def test_s2_a_rotated_key_is_known_after_the_cooldown(issuer):
    assert await issuer.set.key("one")
    issuer.rotate("two")
    assert await issuer.set.key("two") is None
    issuer.now += issuer.settings.jwks_cooldown + 1
    assert await issuer.set.key("two")
    assert await issuer.set.key("one") is None
    assert issuer.fetches == 2


async def test_s2_ten_thousand_unknown_names_cost_one_fetch_for_each_cooldown(issuer):
    for number in range(10_000):
        assert await issuer.set.key(f"random {number}") is None
    assert issuer.fetches == 1
    issuer.now += issuer.settings.jwks_cooldown + 1
    assert await issuer.set.key("random 0") is None, "a name that was asked for a moment ago is no reason to ask again"
    assert issuer.fetches == 1
    for number in range(10_000):
        assert await issuer.set.key(f"random {number}") is None
    assert issuer.fetches == 2


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.Response(500),
        httpx.Response(302, headers={"location": "https://evil.example"}),
        httpx.Response(200, content=b"not JSON"),
        httpx.Response(200, json={"keys": []}),
        httpx.Response(200, json=["keys"]),
        httpx.Response(200, json={"keys": [{"kty": "oct", "k": "AAAA", "kid": "one"}]}),
        httpx.Response(200, content=b" " * (MAX_BYTES + 1)),
    ],
)
async def test_s2_known_keys_are_used_while_their_issuer_is_ill_but_not_for_ever(issuer, answer):
    assert await issuer.set.key("one")
    issuer.answer = answer
    issuer.now += issuer.settings.jwks_cache + 1
    assert await issuer.set.key("one")
    assert issuer.fetches == 2
    issuer.now += STALE_SECONDS
    assert await issuer.set.key("one") is None


async def test_s2_a_token_of_a_new_key_is_believed_after_the_rotation(issuer):
    authenticator = JwtAuthenticator(issuer.settings, issuer.set)
    claims = {"sub": "ana", "exp": 4_000_000_000, "iss": "colloquy", "aud": "colloquy"}
    scope = {"type": "http", "method": "GET", "headers": [], "query_string": b""}

    def bearer(kid: str) -> dict[str, Any]:
        token = jwt.encode(claims, issuer.keys[kid], "ES256", headers={"kid": kid})
        return {**scope, "headers": [(b"authorization", f"Bearer {token}".encode())]}

    old = bearer("one")
    assert (await authenticator.identify(old)).user == "ana"
    issuer.rotate("two")
    issuer.now += issuer.settings.jwks_cooldown + 1
    assert (await authenticator.identify(bearer("two"))).user == "ana"
    with pytest.raises(Unauthenticated):
        await authenticator.identify(old)


@pytest.mark.parametrize("url", ["http://issuer.example/keys", "file:///etc/passwd", "ftp://issuer.example", "issuer.example"])
def test_s2_keys_come_over_https_only(url):
    with pytest.raises(Misconfigured):
        KeySet(httpx.AsyncClient(), GatewaySettings(auth="jwt", jwks_url=url))
