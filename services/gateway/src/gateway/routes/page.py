"""What people see: a small page to talk with, and the documentation."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import Response

from gateway.faults import UnknownRoute
from gateway.parts import Here, caller_of

router = APIRouter(include_in_schema=False)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
CDN = "https://cdn.jsdelivr.net"
DOCS_POLICY = (
    f"default-src 'none'; script-src 'unsafe-inline' {CDN}; style-src 'unsafe-inline' {CDN}; "
    "img-src data: https://fastapi.tiangolo.com; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
FILES = {"index.html": "text/html", "page.js": "text/javascript", "page.css": "text/css"}


def _file(name: str) -> Response:
    content = (files("gateway") / "page" / name).read_bytes()
    headers = {"content-security-policy": POLICY, "referrer-policy": "no-referrer", "cache-control": "no-cache"}
    return Response(content, media_type=f"{FILES[name]}; charset=utf-8", headers=headers)


@router.get("/")
async def index(request: Request, parts: Here) -> Response:
    """The page. Whoever opens it for the first time becomes a guest where guests are allowed."""
    if parts.settings.auth == "dev":
        await caller_of(request)
    return _file("index.html")


@router.get("/page/{name}")
async def page_file(name: str) -> Response:
    """What the page is made of."""
    if name not in FILES:
        raise UnknownRoute
    return _file(name)


@router.get("/docs")
async def docs(parts: Here) -> Response:
    """The documentation of every call."""
    if not parts.settings.docs:
        raise UnknownRoute
    page = get_swagger_ui_html(openapi_url="/openapi.json", title="Colloquy")
    page.headers["content-security-policy"] = DOCS_POLICY
    return page
