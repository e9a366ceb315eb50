"""`colloquy up`: everything on this machine, until told to stop."""

import asyncio
import os
import resource
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from colloquy import bus_server
from colloquy.auditing import with_audit_key
from colloquy.data_folder import DataFolder, trim_log, write_private
from colloquy.errors import Failed, first_of
from colloquy.flight_server import flight_server
from colloquy.installation import Installation, Options, check_identity
from colloquy.keeper import Household
from colloquy.leftovers import end_leftovers
from colloquy.listener import listen
from colloquy.plan import WORKERS, check_database, planned
from colloquy.readiness import gateway_ready, services_ready
from colloquy.secrets_file import kept_token
from colloquy.terminal import complain, say
from shared.errors import Unavailable
from shared.observer import Observer, observe
from shared.provision import ProvisionFailed, ProvisionSettings, provision

LOOK_SECONDS = 30.0
# How long each may take to end, one after the other: less than ten seconds in all.
GATEWAY_GRACE, WORKER_GRACE, MEMORY_GRACE, NATS_GRACE, EXAMPLES_GRACE = 3.0, 3.0, 2.0, 1.0, 0.5


def up(options: Options) -> None:
    """Runs until SIGTERM or Ctrl-C. Raises Failed when it can't start."""
    plan, folder = planned(options.scale), DataFolder(options.data.absolute())
    environment = {"MEMORY_DATABASE_URL": f"sqlite:///{folder.database}"} | os.environ
    check_database(plan, environment["MEMORY_DATABASE_URL"])
    check_identity(options.host, environment)
    folder.prepare()
    with folder.locked(), listen(options.host, options.port) as gateway:
        for name in end_leftovers(folder):
            complain(f"{name} was left over from an earlier start; it was ended.")
        environment = {"GATEWAY_SERVICE_TOKEN": kept_token(folder.service_token)} | environment
        nats = bus_server.existing(options.nats) if options.nats else bus_server.own(folder)
        _allow_many_connections()
        environment = with_audit_key(folder, environment)
        flights = flight_server(environment) if options.flights else None
        asyncio.run(_live(Installation(plan, folder, environment, gateway, nats, flights)))
    say("Stopped.")


async def _live(installation: Installation) -> None:
    household = Household(installation.folder, complain)
    try:
        async with _interruptible(household), AsyncExitStack() as house:
            async with household.nobody_falls():
                observer = await _start(installation, household, house)
            household.started = True
            _welcome(installation)
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                await look_after(installation, household, observer)
    except* Failed as failures:
        raise first_of(failures) from None


@asynccontextmanager
async def _interruptible(household: Household) -> AsyncGenerator[None]:
    """SIGTERM, Ctrl-C and a closed terminal end the context; the second time everything is killed at once."""
    task = cast("asyncio.Task[None]", asyncio.current_task())

    def stop() -> None:
        if household.stopping.is_set():
            household.kill()
            return
        say("Stopping (again: at once) …")
        household.stopping.set()
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        yield
    except asyncio.CancelledError:
        if not household.stopping.is_set():
            raise


async def _start(installation: Installation, household: Household, house: AsyncExitStack) -> Observer:
    """Starts everything in the order in which it needs each other; `house` ends it in reverse."""
    nats, folder = installation.nats, installation.folder
    await house.enter_async_context(household.keep(nats.programs, NATS_GRACE))
    await _provision(installation)
    say("nats answers")
    for path, address in ((folder.events_url, nats.urls["analytics"]), (folder.address, installation.address)):
        write_private(path, address)
        house.callback(path.unlink, missing_ok=True)
    observer = await _observer(installation, house)
    await house.enter_async_context(household.keep(installation.programs("memory"), MEMORY_GRACE))
    await house.enter_async_context(household.keep(installation.examples(), EXAMPLES_GRACE))
    await house.enter_async_context(household.keep(installation.programs(*WORKERS), WORKER_GRACE))
    await house.enter_async_context(household.keep(installation.programs("gateway"), GATEWAY_GRACE))
    # Closed first of all: who comes while we stop is refused at once.
    house.callback(installation.gateway.close)
    await services_ready(observer, installation.plan, say)
    await gateway_ready(installation.address)
    say("gateway answers")
    return observer


async def _provision(installation: Installation) -> None:
    try:
        await provision(installation.nats.urls["admin"], ProvisionSettings(budget_bytes=installation.nats.budget))
    except ProvisionFailed as failure:
        raise Failed(str(failure)) from None


async def _observer(installation: Installation, house: AsyncExitStack) -> Observer:
    try:
        return await house.enter_async_context(observe(installation.nats.urls["admin"], "admin"))
    except Unavailable as fault:
        raise Failed(str(fault)) from None


async def look_after(installation: Installation, household: Household, observer: Observer) -> None:
    """What no process notices by dying: streams that are gone, a JetStream that gave up, logs that grow."""
    for name in household.names():
        trim_log(installation.folder.log(name))
    try:
        streams = await observer.check_streams()
        if not streams.enabled and installation.nats.programs:
            # A full disk turns JetStream off until the server starts anew (T26).
            household.restart("nats-1", "JetStream is turned off")
        elif streams.missing:
            complain(f"{len(streams.missing)} streams were missing; making them again.")
            await _provision(installation)
    except (Unavailable, Failed) as trouble:
        complain(f"NATS does not answer as it should: {trouble}")


def _welcome(installation: Installation) -> None:
    address = installation.address
    say(f"\nColloquy is up: {address}/", "bold green")
    trusting = installation.environment.get("GATEWAY_AUTH", "dev") == "dev"
    who = "?user=ana'" if trusting else """' -H "authorization: Bearer $(./colloquy token ana)\""""
    say(
        f"Try: curl -N -X POST '{address}/api/chat/stream{who}"
        """ -H 'content-type: application/json' -d '{"message":"count to 20"}'"""
    )
    say(f"Data and logs are in {installation.folder.root}. Stop with Ctrl-C.\n")


def _allow_many_connections() -> None:
    """A stream is an open file; the usual limit of 1,024 is for interactive programs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
