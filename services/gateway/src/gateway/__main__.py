"""Starts the gateway."""

import sys
from functools import partial

from gateway.app import application, check
from gateway.faults import Misconfigured
from gateway.settings import GatewaySettings
from shared.service import run
from shared.settings import read


def main() -> None:
    """Runs until told to stop. Settings that can't be are one sentence and status 1."""
    try:
        settings = read(GatewaySettings)
        check(settings)
    except Misconfigured as wrong:
        sys.exit(str(wrong))
    run("gateway", partial(application, settings))


if __name__ == "__main__":
    main()
