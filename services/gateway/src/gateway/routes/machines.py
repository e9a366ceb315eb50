"""For machines: alive, ready, metrics."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from gateway.faults import UnknownRoute
from gateway.parts import Here
from gateway.replies import Status, reply, shows
from shared.contract.memory import CHECK_HEALTH, CheckHealth

router = APIRouter(tags=["operations"])

READY_SECONDS = 2.0


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", responses=shows(Status))
async def healthz() -> Response:
    """This process answers."""
    return reply({"status": "ok"})


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses=shows(Status))
async def readyz(parts: Here) -> Response:
    """The bus is there, and memory answers over it that it can keep what it is given."""
    parts.must_be_open()
    await parts.bus.ask(CHECK_HEALTH, CheckHealth(), timeout=READY_SECONDS)
    return reply({"status": "ready"})


@router.get("/metrics", include_in_schema=False)
async def metrics(parts: Here) -> Response:
    """For Prometheus."""
    if not parts.settings.metrics:
        raise UnknownRoute
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})
