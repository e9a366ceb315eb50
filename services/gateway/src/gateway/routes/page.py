"""What people see: the page to talk with, and the documentation."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway import assets, asyncapi
from gateway.assets import Asset
from gateway.exchange import header
from gateway.faults import UnknownRoute
from gateway.parts import Here, caller_of
from gateway.replies import PageConfig, Provider, reply

router = APIRouter(include_in_schema=False)

SAFE = "default-src 'none'; script-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; "
POLICY = (
    SAFE + "style-src 'self'; img-src 'self'; font-src 'self'; media-src 'self' blob:; connect-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
# Swagger UI draws with inline styles. Its files come with a package: a server that is offline shows its documentation too.
DOCS_POLICY = SAFE + "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
KEPT = "public, max-age=31536000, immutable"


def _sent(asset: Asset, policy: str = POLICY, cache: str = "no-cache", *, packed: bool = False) -> Response:
    headers = {"content-security-policy": policy, "referrer-policy": "no-referrer", "cache-control": cache}
    if asset.compressed is not None:
        headers["vary"] = "accept-encoding"
    if packed and asset.compressed is not None:
        return Response(asset.compressed, headers=headers | {"content-encoding": "gzip"}, media_type=asset.media_type)
    return Response(asset.content, headers=headers, media_type=asset.media_type)


@router.get("/")
async def index(request: Request, parts: Here) -> Response:
    """The page. Whoever opens it for the first time becomes a guest where guests are allowed."""
    if parts.settings.auth == "dev":
        await caller_of(request)
    return _sent(assets.index())


@router.get("/api/v1/config")
async def config(parts: Here) -> Response:
    """How people sign in here; for the page, before it knows who looks at it."""
    settings = parts.settings
    provider = None
    if settings.oidc_issuer is not None:
        provider = Provider(issuer=settings.oidc_issuer, client_id=settings.oidc_client_id, scopes=settings.oidc_scopes)
    return reply(PageConfig(auth=settings.auth, oidc=provider))


@router.get("/assets/{name}")
async def built_file(name: str, request: Request) -> Response:
    """What the page is made of. A browser that has it once need never ask again."""
    asset = assets.built(name)
    if asset is None:
        raise UnknownRoute
    packed = "gzip" in (header(request.scope, b"accept-encoding") or "")
    return _sent(asset, cache=KEPT, packed=packed)


@router.get("/page/{name}")
async def page_file(name: str) -> Response:
    """The icon, and what the documentation is made of."""
    if name not in assets.NAMED:
        raise UnknownRoute
    return _sent(assets.read(assets.NAMED[name]))


@router.get("/docs")
async def docs(parts: Here) -> Response:
    """The documentation of every call."""
    if not parts.settings.docs:
        raise UnknownRoute
    return _sent(assets.read(assets.OWN / "docs.html"), DOCS_POLICY)


@router.get("/asyncapi.json")
async def events(parts: Here) -> Response:
    """The documentation of every event."""
    if not parts.settings.docs:
        raise UnknownRoute
    return reply(asyncapi.document())
