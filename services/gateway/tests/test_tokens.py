"""S1: tokens that must not be believed, whoever made them."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway.adapters.jwks import KeySet
from gateway.adapters.jwt import JwtAuthenticator
from gateway.exchange import begin
from gateway.settings import GatewaySettings
from shared.errors import Unauthenticated

SECRET = "0123456789abcdef0123456789abcdef"
RSA = rsa.generate_private_key(65537, 2048)
FOREIGN_RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
RSA_PEM = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
RSA_DER = RSA.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
NOW = int(time.time())
GOOD = {"sub": "ana", "exp": NOW + 6000, "iss": "colloquy", "aud": "colloquy"}


def jwk(algorithm: Any, key: Any, kid: str, **more: Any) -> dict[str, Any]:
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, **more}


JWKS = {
    "keys": [
        jwk(RSAAlgorithm, RSA, "rsa", alg="RS256", use="sig"),
        jwk(ECAlgorithm, EC, "ec"),
        jwk(OKPAlgorithm, ED, "ed"),
        jwk(RSAAlgorithm, FOREIGN_RSA, "for encryption", use="enc"),
        {"kty": "oct", "kid": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()[::-1]).decode()},
    ]
}


class FixedKeys(KeySet):
    """Keys that need no fetching."""

    async def _download(self) -> Any:
        return JWKS


def settings(**more: Any) -> GatewaySettings:
    return GatewaySettings(auth="jwt", jwt_secret=SECRET, jwks_url="https://issuer.example/keys", **more)


def authenticator(**more: Any) -> JwtAuthenticator:
    chosen = settings(**more)
    return JwtAuthenticator(chosen, FixedKeys(None, chosen))  # type: ignore[arg-type]


def request(token: str | None, method: str = "GET", *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    bearer = [(b"authorization", b"Bearer " + token.encode("utf-8", "surrogatepass"))] if token is not None else []
    scope = {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": [*bearer, *headers]}
    begin(scope)
    return scope


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hs256(header: Any, claims: Any, key: bytes = SECRET.encode(), digest: Any = hashlib.sha256) -> str:
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(hmac.new(key, signed.encode(), digest).digest())}"


HS = {"alg": "HS256", "typ": "JWT"}


def forged() -> Iterator[tuple[str, str]]:
    """Tokens, each with what is wrong with it."""
    unsigned = f"{part({'alg': 'none'})}.{part(GOOD)}."
    yield "none", unsigned
    for spelling in ("None", "NONE", "nOnE", "", " none"):
        yield f"alg {spelling!r}", f"{part({'alg': spelling})}.{part(GOOD)}.{part(b'x')}"
    yield "none with a signature", unsigned + part(b"x")
    good = jwt.encode(GOOD, SECRET, "HS256")
    head, body, signature = good.split(".")
    yield "no signature", f"{head}.{body}."
    yield "no dot", head + body
    yield "two parts", f"{head}.{body}"
    yield "four parts", good + "." + signature
    yield "another signature", f"{head}.{body}.{signature[::-1]}"
    yield "a longer signature", good + "AAAA"
    yield "characters that are ignored", f"{head}.{body}.{signature}!!"
    yield "padding", good + "="
    yield "white space inside", f"{head}. {body}.{signature}"
    yield "other claims under the signature", f"{head}.{part({**GOOD, 'sub': 'root'})}.{signature}"
    yield "another secret", jwt.encode(GOOD, SECRET[::-1], "HS256")
    yield "an empty secret", hs256(HS, GOOD, b"")
    for name, key in (("PEM", RSA_PEM), ("PEM without its end", RSA_PEM.strip()), ("DER", RSA_DER)):
        yield f"HS256 with the public key as secret, {name}", hs256({"alg": "HS256", "kid": "rsa"}, GOOD, key)
    yield "HS512 is not allowed", hs256({"alg": "HS512"}, GOOD, digest=hashlib.sha512)
    yield "HS384 is not allowed", hs256({"alg": "HS384"}, GOOD, digest=hashlib.sha384)
    yield "an algorithm nobody knows", hs256({"alg": "XS256"}, GOOD)
    yield "an algorithm that is a number", hs256({"alg": 256}, GOOD)
    yield "an algorithm that is a list", hs256({"alg": ["HS256"]}, GOOD)
    yield "no algorithm", hs256({"typ": "JWT"}, GOOD)
    yield "a key of the set that is symmetric", hs256({"alg": "HS256", "kid": "oct"}, GOOD, SECRET.encode()[::-1])
    yield "a foreign key", jwt.encode(GOOD, FOREIGN_RSA, "RS256", headers={"kid": "rsa"})
    yield "a key for encryption", jwt.encode(GOOD, FOREIGN_RSA, "RS256", headers={"kid": "for encryption"})
    yield "an unknown kid", jwt.encode(GOOD, RSA, "RS256", headers={"kid": "who"})
    yield "no kid where there are several keys", jwt.encode(GOOD, RSA, "RS256")
    yield "another kid's key", jwt.encode(GOOD, RSA, "RS256", headers={"kid": "ec"})
    yield "PS256 with a key of RS256", jwt.encode(GOOD, RSA, "PS256", headers={"kid": "rsa"})
    yield "RS512 with a key of RS256", jwt.encode(GOOD, RSA, "RS512", headers={"kid": "rsa"})
    embedded = {"jwk": jwk(RSAAlgorithm, FOREIGN_RSA, "rsa"), "kid": "rsa"}
    yield "its own key inside", jwt.encode(GOOD, FOREIGN_RSA, "RS256", headers=embedded)
    for name in ("jku", "x5u"):
        headers = {name: "https://evil.example/keys", "kid": "rsa"}
        yield f"an address of its key in {name}", jwt.encode(GOOD, FOREIGN_RSA, "RS256", headers=headers)
    for kid in ("../../dev/null", "' OR 1=1 --", "https://evil.example", "a" * 5000):
        yield f"kid {kid[:20]}", jwt.encode(GOOD, FOREIGN_RSA, "RS256", headers={"kid": kid})
    yield "a kid that is a number", f"{part({'alg': 'RS256', 'kid': 7})}.{part(GOOD)}.{part(b'x')}"
    yield "a kid that is an object", f"{part({'alg': 'RS256', 'kid': {}})}.{part(GOOD)}.{part(b'x')}"
    yield "crit", hs256({**HS, "crit": ["exp"]}, GOOD)
    yield "b64", hs256({**HS, "b64": False}, GOOD)
    yield "another type", hs256({"alg": "HS256", "typ": "refresh+jwt"}, GOOD)
    yield "a type that is a list", hs256({"alg": "HS256", "typ": ["JWT"]}, GOOD)
    yield "a compressed token", hs256({**HS, "enc": "A256GCM", "zip": "DEF", "crit": ["zip"]}, GOOD)
    for name, claims in wrong_claims():
        yield name, hs256(HS, claims)
    yield "a subject with a lone surrogate", hs256(HS, json.dumps(GOOD).replace('"ana"', r'"\ud800"').encode())
    yield "claims twice", hs256(HS, json.dumps(GOOD)[:-1].encode() + b', "sub": "root"}')
    yield "header names twice", hs256(b'{"alg": "none", "alg": "HS256"}', GOOD)
    yield "claims that are not JSON", hs256(HS, b"hello")
    yield "claims that are not UTF-8", hs256(HS, b'{"sub": "\xff"}')
    yield "claims that are a list", hs256(HS, ["ana"])
    yield "claims that are deep", hs256(HS, b"[" * 3000)
    yield "a huge token", hs256(HS, {**GOOD, "filler": "a" * 20_000})
    yield "a header that is a list", hs256(["HS256"], GOOD)
    yield "empty", ""
    yield "dots", ".."
    yield "not ASCII", "äöü.äöü.äöü"


def wrong_claims() -> Iterator[tuple[str, dict[str, Any]]]:
    """Well signed claims that don't hold."""
    for name in ("sub", "exp", "iss", "aud"):
        yield f"no {name}", {key: value for key, value in GOOD.items() if key != name}
    yield "expired", {**GOOD, "exp": NOW - 600}
    yield "expires at an infinite time", {**GOOD, "exp": float("inf")}
    yield "expires at no number", {**GOOD, "exp": float("nan")}
    yield "expires at a number that is too long", {**GOOD, "exp": 10**400}
    yield "expires as text", {**GOOD, "exp": "tomorrow"}
    yield "expires as a list", {**GOOD, "exp": [NOW + 6000]}
    yield "not yet", {**GOOD, "nbf": NOW + 6000}
    yield "issued in the future", {**GOOD, "iat": NOW + 6000}
    yield "another issuer", {**GOOD, "iss": "evil"}
    yield "an issuer as a list", {**GOOD, "iss": ["colloquy"]}
    yield "another audience", {**GOOD, "aud": "other"}
    yield "other audiences", {**GOOD, "aud": ["other", "colloquy2"]}
    yield "an audience that only begins alike", {**GOOD, "aud": "colloquy.evil"}
    yield "an empty subject", {**GOOD, "sub": ""}
    yield "a long subject", {**GOOD, "sub": "a" * 256}
    yield "a subject that is a number", {**GOOD, "sub": 7}
    yield "a subject that is a list", {**GOOD, "sub": ["ana"]}
    yield "no subject at all", {**GOOD, "sub": None}


FORGED = dict(forged())


async def test_s1_there_are_enough_forged_tokens():
    assert len(FORGED) >= 60


@pytest.mark.parametrize("name", FORGED)
async def test_s1_a_forged_token_is_refused(name):
    with pytest.raises(Unauthenticated):
        await authenticator().identify(request(FORGED[name]))


GENUINE = {
    "HS256": jwt.encode(GOOD, SECRET, "HS256"),
    "RS256": jwt.encode(GOOD, RSA, "RS256", headers={"kid": "rsa"}),
    "ES256": jwt.encode(GOOD, EC, "ES256", headers={"kid": "ec"}),
    "EdDSA": jwt.encode(GOOD, ED, "EdDSA", headers={"kid": "ed"}),
    "several audiences": jwt.encode({**GOOD, "aud": ["other", "colloquy"]}, SECRET, "HS256"),
    "an access token": jwt.encode(GOOD, SECRET, "HS256", headers={"typ": "at+jwt"}),
    "expires in a thousand years": jwt.encode({**GOOD, "exp": NOW + 10**11}, SECRET, "HS256"),
}


@pytest.mark.parametrize("name", GENUINE)
async def test_s1_a_genuine_token_is_believed(name):
    assert (await authenticator().identify(request(GENUINE[name]))).user == "ana"


async def test_a_clock_may_differ_a_little():
    now = time.time()
    token = jwt.encode({**GOOD, "exp": now - 5, "nbf": now + 5}, SECRET, "HS256")
    assert (await authenticator().identify(request(token))).user == "ana"


@pytest.mark.parametrize(
    "subject", ["a.b", "*", ">", "auth0|123", "ana@example.org", "日本語", "a" * 255, "x-a", " ", "\u0000"]
)
async def test_a_subject_may_be_any_text(subject):
    token = jwt.encode({**GOOD, "sub": subject}, SECRET, "HS256")
    assert (await authenticator().identify(request(token))).user == subject


async def test_s1_an_algorithm_that_is_not_allowed_is_refused_with_a_genuine_key():
    with pytest.raises(Unauthenticated):
        await authenticator(jwt_algorithms="RS256").identify(request(GENUINE["HS256"]))


async def test_without_issuer_and_audience_any_will_do():
    token = jwt.encode({"sub": "ana", "exp": NOW + 6000, "iss": "who", "aud": "whoever"}, SECRET, "HS256")
    assert (await authenticator(jwt_issuer="", jwt_audience="").identify(request(token))).user == "ana"


async def test_cloudflares_header_counts_only_when_configured():
    scope = request(None, "GET", (b"cf-access-jwt-assertion", GENUINE["RS256"].encode()))
    with pytest.raises(Unauthenticated):
        await authenticator().identify(scope)
    assert (await authenticator(cf_access=True).identify(scope)).user == "ana"
