"""What an operator may change about the gateway."""

from functools import lru_cache
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from shared.settings import settings_config

KIB = 1024
Names = Annotated[tuple[str, ...], NoDecode]
"""Several names in one variable, separated by commas."""


class GatewaySettings(BaseSettings):
    """The public HTTP surface: where it listens, whom it believes, how much it takes."""

    model_config = settings_config("GATEWAY_")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8787, ge=0, le=65535, description="Port to listen on; 0 for any free one.")
    fd: int | None = Field(
        default=None,
        ge=3,
        description="File descriptor of a listening socket that was inherited; host and port are not used then.",
    )

    auth: Literal["dev", "jwt"] = Field(
        default="dev", description="dev believes ?user=NAME and is for loopback only; jwt checks tokens."
    )
    jwt_secret: SecretStr | None = Field(default=None, description="Secret of HS256 tokens, at least 32 bytes.")
    jwks_url: str | None = Field(
        default=None,
        description="Address of the public keys of RS256, ES256 or EdDSA tokens; those of a provider are found without.",
    )
    jwt_issuer: str | None = Field(default="colloquy", description="What `iss` of a token must be; empty to accept any.")
    jwt_audience: str | None = Field(default="colloquy", description="What `aud` of a token must hold; empty to accept any.")
    jwt_algorithms: Names = Field(
        default=("HS256", "RS256", "ES256", "EdDSA"), description="Algorithms that are accepted, separated by commas."
    )
    jwt_leeway: float = Field(default=30.0, ge=0, le=60, description="Seconds by which the clock of the issuer may differ.")
    jwks_cache: float = Field(default=300.0, gt=0, le=300, description="Seconds for which fetched keys are used.")
    jwks_cooldown: float = Field(default=10.0, ge=1, description="Seconds between two fetches because of an unknown key.")
    oidc_issuer: str | None = Field(
        default=None,
        description="Issuer of the OpenID provider that people sign in with, exactly as it writes itself; see docs/web.md.",
    )
    oidc_client_id: str = Field(
        default="colloquy", description="Id of this server at that provider; its tokens must be for this audience."
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Secret of this server at that provider; empty for a public client."
    )
    oidc_scopes: str = Field(default="openid profile", description="Scopes that are asked for, separated by spaces.")
    oidc_parameters: str = Field(
        default="",
        description="More parameters of the request to sign in, as in an address: prompt=consent&access_type=offline.",
    )
    public_url: str | None = Field(
        default=None,
        description="Address that people open, such as https://chat.example.com; empty: https and the name in the request, "
        "http where that is this machine.",
    )
    cf_access: bool = Field(default=False, description="Accept the token in Cf-Access-Jwt-Assertion too.")

    service_token: SecretStr | None = Field(
        default=None,
        description="Token of the services that may call /api/v1/complete-llm, at least 32 characters; empty: nobody may.",
    )

    allowed_hosts: Names = Field(
        default=(), description="Host names under which it may be called, separated by commas; in dev besides loopback."
    )
    cors_origins: Names = Field(
        default=(), description="Origins of other sites whose pages may call it, such as https://app.example.com."
    )
    docs: bool = Field(default=True, description="Show /docs and /openapi.json.")
    metrics: bool = Field(default=True, description="Show /metrics.")

    text_bytes: int = Field(default=32 * KIB, ge=1, description="Bytes of UTF-8 a message may have.")
    attachment_bytes: int = Field(default=1024 * KIB, ge=1, description="Bytes of UTF-8 an attachment may have.")
    note_bytes: int = Field(default=1024 * KIB, ge=1, description="Bytes of UTF-8 a note may have.")
    completion_bytes: int = Field(
        default=512 * KIB, ge=1, description="Bytes of UTF-8 that all messages of a /v1/chat/completions call may have."
    )
    body_bytes: int = Field(default=2048 * KIB, ge=KIB, description="Bytes the body of a request may have.")
    audio_bytes: int = Field(default=25 * 1024 * KIB, ge=KIB, description="Bytes a recording may have.")
    upload_seconds: float = Field(default=300.0, gt=0, description="Seconds a client may take to upload a recording.")
    transcript_seconds: float = Field(
        default=900.0, gt=0, description="Seconds for which /api/transcribe and /v1/audio/transcriptions wait for the text."
    )
    header_bytes: int = Field(default=32 * KIB, ge=KIB, description="Bytes the headers of a request may have.")
    json_depth: int = Field(default=64, ge=4, le=150, description="How deeply JSON may be nested.")
    body_seconds: float = Field(default=15.0, gt=0, description="Seconds a client may take to send a body.")
    call_seconds: float = Field(default=5.0, gt=0, description="Seconds to wait for another service before answering 503.")
    answer_seconds: float = Field(
        default=600.0, gt=0, description="Seconds for which /api/chat and /v1/chat/completions wait for an answer."
    )
    erase_seconds: float = Field(default=120.0, gt=0, description="Seconds to wait until an account is erased.")
    export_seconds: float = Field(default=3_600.0, gt=0, description="Seconds an export may take.")
    write_seconds: float = Field(default=20.0, gt=0, description="Seconds a write to a client may block before it is cut.")
    heartbeat_seconds: float = Field(default=10.0, gt=0, description="Seconds of silence after which a stream says a comment.")
    shutdown_seconds: int = Field(default=5, ge=1, description="Seconds that running requests have to finish at shutdown.")

    rate_per_minute: float = Field(default=120.0, ge=0, description="Messages a user may send per minute; 0 for no limit.")
    changes_per_minute: float = Field(
        default=1_200.0,
        ge=0,
        description="Changes of their state, and searches, a user may make per minute; 0 for no limit.",
    )
    changes_burst: int = Field(default=300, ge=1, description="Changes and searches at once before the rate counts.")
    rate_burst: int = Field(default=60, ge=1, description="Messages a user may send at once before the rate counts.")
    streams_per_user: int = Field(default=50, ge=1, description="Streams and sockets a user may have open.")
    streams: int = Field(default=12_000, ge=1, description="Streams and sockets this process holds open.")
    requests: int = Field(default=4_000, ge=1, description="Requests this process works on at the same time.")
    reader_events: int = Field(default=256, ge=1, description="Events a reader may be behind before it is cut.")
    reader_bytes: int = Field(default=1024 * KIB, ge=1, description="Bytes a reader may be behind before it is cut.")

    @field_validator("jwt_algorithms", "allowed_hosts", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator(
        "jwt_secret",
        "service_token",
        "jwks_url",
        "jwt_issuer",
        "jwt_audience",
        "oidc_issuer",
        "oidc_client_secret",
        "public_url",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value


@lru_cache(maxsize=256)  # asked for each request, 15 µs
def is_loopback(host: str) -> bool:
    """Whether a listener on this host, or a request to it, can only come from this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
