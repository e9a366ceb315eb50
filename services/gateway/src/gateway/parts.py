"""What the routes are given to work with; put together in `app.py`."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import Depends
from starlette.requests import HTTPConnection

from gateway.admission import Admission
from gateway.dismissal import Dismissals
from gateway.faults import ForeignUser, NoProvider, Stopping
from gateway.identity import Authenticator, Identity
from gateway.presence import Presence
from gateway.relay import Relay
from gateway.settings import GatewaySettings
from gateway.sign_in import SignIn
from gateway.silence import Silence
from shared.bus import Bus
from shared.contract.acting import DecideApproval
from shared.contract.base import Message
from shared.contract.state import Change
from shared.contract.subjects import user_scope
from shared.contract.topics import Call
from shared.contract.workflow import CreateWorkflow, DropSchedule, FindFlights, OfWorkflow, PutSchedule
from shared.feed import Feed

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)
C = TypeVar("C", bound=Change | DecideApproval | CreateWorkflow | OfWorkflow | PutSchedule | DropSchedule | FindFlights)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that lives as long as the gateway does."""

    settings: GatewaySettings
    bus: Bus
    feed: Feed
    relay: Relay
    authenticator: Authenticator
    admission: Admission
    presence: Presence
    sign_in: SignIn | None = None
    silence: Silence = field(default_factory=Silence)
    dismissals: Dismissals = field(default_factory=Dismissals)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process was told to stop: nothing that lasts may begin any more."""

    async def ask(self, call: Call[Q, A], question: Q, *, seconds: float | None = None) -> A:
        """The answer of a service, or the Fault it reported, or Unavailable."""
        return await self.bus.ask(call, question, timeout=seconds or self.settings.call_seconds)

    async def change(self, call: Call[C, A], order: C) -> A:
        """The same for what changes a person's state or work. Raises TooMany, Stopping too."""
        self.must_be_open()
        self.admission.change(order.user)
        return await self.ask(call, order)

    def dismiss(self, user: str) -> None:
        """Ends every stream and socket of this user here: there is nothing to follow any more."""
        self.relay.dismiss(user_scope(user))
        self.dismissals.dismiss(user)

    def must_be_open(self) -> None:
        """Raises Stopping when the process was told to stop."""
        if self.stopping.is_set():
            raise Stopping


async def parts_of(connection: HTTPConnection) -> Parts:
    """The parts that the application was made with."""
    return connection.app.state.parts


async def caller_of(connection: HTTPConnection) -> Identity:
    """Who is asking. Raises Unauthenticated."""
    parts: Parts = connection.app.state.parts
    return await parts.authenticator.identify(connection.scope)


async def sign_in_of(connection: HTTPConnection) -> SignIn:
    """How people sign in with a provider. Raises NoProvider where they don't."""
    parts: Parts = connection.app.state.parts
    if parts.sign_in is None:
        raise NoProvider
    return parts.sign_in


Here = Annotated[Parts, Depends(parts_of)]
Caller = Annotated[Identity, Depends(caller_of)]


def must_be(user_id: str | None, caller: Identity) -> None:
    """Raises ForeignUser when a body names another user than the one who sent it."""
    if user_id is not None and user_id != caller.user:
        raise ForeignUser
