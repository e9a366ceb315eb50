"""Tokens for people who try a gateway with `jwt` and a secret of its own."""

import time

import jwt

from colloquy.errors import Failed, Misused
from gateway.settings import GatewaySettings

LEAST_SECRET_BYTES = 32


def mint(subject: str, seconds: int, settings: GatewaySettings, now: float | None = None) -> str:
    """An HS256 token for this user, signed with the gateway's secret. Raises Failed, Misused."""
    if settings.jwt_secret is None:
        raise Failed("There is no secret to sign with: set GATEWAY_JWT_SECRET to that of the gateway.")
    secret = settings.jwt_secret.get_secret_value()
    if len(secret.encode()) < LEAST_SECRET_BYTES:
        raise Failed(f"GATEWAY_JWT_SECRET is too short: at least {LEAST_SECRET_BYTES} bytes.")
    if not subject or len(subject) > 255:
        raise Misused("A user's name has 1 to 255 characters.")
    issued = int(time.time() if now is None else now)
    claims = {"sub": subject, "iat": issued, "exp": issued + seconds}
    claims |= {name: value for name, value in (("iss", settings.jwt_issuer), ("aud", settings.jwt_audience)) if value}
    return jwt.encode(claims, secret, algorithm="HS256")
