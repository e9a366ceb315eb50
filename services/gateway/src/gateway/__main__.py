"""Starts the gateway."""

import sys
from functools import partial

from pydantic import ValidationError

from gateway.app import application, check
from gateway.faults import Misconfigured
from gateway.settings import GatewaySettings
from shared.service import run


def main() -> None:
    """Runs until told to stop. Settings that can't be are one sentence and status 1."""
    try:
        settings = GatewaySettings()
        check(settings)
    except Misconfigured as wrong:
        sys.exit(str(wrong))
    except ValidationError as wrong:
        first = wrong.errors(include_input=False)[0]
        sys.exit(f"GATEWAY_{str(first['loc'][0]).upper()}: {first['msg']}")
    run("gateway", partial(application, settings))


if __name__ == "__main__":
    main()
