"""What signing in needs from an OpenID provider; everything it says is checked before it is used (S8, S20)."""

from typing import Annotated, Protocol

from pydantic import BaseModel, Field

from gateway.faults import SignInFailed

Address = Annotated[str, Field(max_length=2_048, pattern=r"^https?://[!-~]+$")]
Words = Annotated[list[Annotated[str, Field(max_length=128)]], Field(max_length=64)]
Token = Annotated[str, Field(min_length=1, max_length=16_384, pattern=r"^[!-~]+$")]

INVALID_GRANT = "invalid_grant"
"""The provider's word for a code or a refresh token that does not count any more."""


class Discovered(BaseModel):
    """What the provider says about itself (OpenID Connect Discovery 1.0, section 3)."""

    issuer: Address
    authorization_endpoint: Address
    token_endpoint: Address
    jwks_uri: Address
    end_session_endpoint: Address | None = None
    revocation_endpoint: Address | None = None
    token_endpoint_auth_methods_supported: Words = Field(default_factory=lambda: ["client_secret_basic"])
    authorization_response_iss_parameter_supported: bool = False


class Tokens(BaseModel):
    """What a code or a refresh token is worth. A provider that rotates gives a new refresh token each time."""

    id_token: Token | None = None
    refresh_token: Token | None = None


class ProviderRefused(SignInFailed):
    """The provider did not accept what this server showed it: sign in again."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word


class Provider(Protocol):
    """An OpenID provider."""

    async def discovered(self) -> Discovered:
        """What it says about itself. Raises ProviderDown."""
        ...

    async def tokens(self, **form: str) -> Tokens:
        """The tokens for a grant. Raises ProviderDown, ProviderRefused."""
        ...

    async def revoke(self, token: str) -> None:
        """Makes a refresh token worthless, if the provider can do that and can be reached."""
        ...
