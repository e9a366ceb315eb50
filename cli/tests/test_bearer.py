"""Tokens for trying a gateway."""

import jwt
import pytest

from colloquy.bearer import mint
from colloquy.errors import Failed, Misused
from gateway.settings import GatewaySettings

SECRET = "s" * 32


def test_a_token_is_what_the_gateway_expects():
    settings = GatewaySettings(jwt_secret=SECRET)
    token = mint("ana@example.com", 60, settings)
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="colloquy", issuer="colloquy")
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("ana@example.com", 60)


@pytest.mark.parametrize(
    ("secret", "subject", "kind"), [(None, "ana", Failed), ("short", "ana", Failed), (SECRET, "", Misused)]
)
def test_what_can_not_work_is_said(secret, subject, kind):
    with pytest.raises(kind):
        mint(subject, 60, GatewaySettings(jwt_secret=secret))
