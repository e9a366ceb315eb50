"""One whole Colloquy for the tests that leave it as they found it."""

import pytest
from support.system import running

SETTINGS = {
    "INFERENCE_DEMO_TOKENS_PER_SECOND": "200",
    "GATEWAY_RATE_PER_MINUTE": "1000000",
    "GATEWAY_RATE_BURST": "100000",
    "GATEWAY_STREAMS_PER_USER": "1000",
}


@pytest.fixture(scope="session")
def system(tmp_path_factory):
    """Two gateways and two workers behind one address."""
    with running(tmp_path_factory.mktemp("system"), scale="inference=2,gateway=2", **SETTINGS) as whole:
        yield whole
