"""What the gateway counts about requests; the relay counts its own events."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("colloquy_http_requests_total", "Requests that were answered.", ("method", "route", "status"))
SECONDS = Histogram(
    "colloquy_http_request_seconds",
    "From the request to the first byte of its answer.",
    ("route",),
    buckets=(0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
SOCKETS = Gauge("colloquy_websockets_open", "Open WebSockets.")
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def count(method: str, route: str, status: int, seconds: float) -> None:
    """One request was answered. What clients invent must not make new series, so unknown methods are one."""
    requests, times = _series(method if method in METHODS else "other", route, status)
    requests.inc()
    times.observe(seconds)


@cache
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, status), SECONDS.labels(route)
