"""Whether the service of this container is well: what the gateway says of itself, or that the others show their metrics."""

import os
import sys
from http.client import HTTPConnection

if os.environ["SERVICE"] == "gateway":
    port, path = int(os.environ.get("GATEWAY_PORT", "8787")), "/readyz"
else:
    port, path = int(os.environ["METRICS_PORT"]), "/metrics"

try:
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    connection.request("GET", path)
    sys.exit(connection.getresponse().status != 200)
except OSError:
    sys.exit(1)
