"""What people see: a small page to talk with, and the documentation."""

from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.faults import UnknownRoute
from gateway.parts import Here, caller_of

router = APIRouter(include_in_schema=False)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
# Swagger UI draws with inline styles. Its files come with a package: a server that is offline shows its documentation too.
DOCS_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace(
    "img-src 'self'", "img-src 'self' data:"
)
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
OWN = files("gateway") / "page"
SWAGGER = files("fastapi_offline") / "static"
FILES = {file.name: file for file in (OWN / "page.js", OWN / "page.css", OWN / "docs.js", OWN / "icon.svg")} | {
    name: SWAGGER / name for name in ("swagger-ui-bundle.js", "swagger-ui.css")
}


def _file(file: Traversable, policy: str = POLICY) -> Response:
    headers = {"content-security-policy": policy, "referrer-policy": "no-referrer", "cache-control": "no-cache"}
    media_type = TYPES["." + file.name.rpartition(".")[2]]
    return Response(file.read_bytes(), media_type=f"{media_type}; charset=utf-8", headers=headers)


@router.get("/")
async def index(request: Request, parts: Here) -> Response:
    """The page. Whoever opens it for the first time becomes a guest where guests are allowed."""
    if parts.settings.auth == "dev":
        await caller_of(request)
    return _file(OWN / "index.html")


@router.get("/page/{name}")
async def page_file(name: str) -> Response:
    """What the page is made of."""
    if name not in FILES:
        raise UnknownRoute
    return _file(FILES[name])


@router.get("/docs")
async def docs(parts: Here) -> Response:
    """The documentation of every call."""
    if not parts.settings.docs:
        raise UnknownRoute
    return _file(OWN / "docs.html", DOCS_POLICY)
