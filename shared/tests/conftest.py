"""What the tests of the bus share."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from colloquy.nats_server import NatsServer
from shared.contract.inference import GENERATE, Generate
from shared.contract.permissions import User, inbox_prefix
from shared.contract.streams import CONSUMERS
from shared.contract.topics import Queue
from shared.provision import consumer_config

NewClient = Callable[..., Awaitable[Client]]


@pytest.fixture
async def new_client(nats_server: NatsServer) -> AsyncGenerator[NewClient]:
    """A bare nats-py client with the permissions of `user`: the world as it is without the bus."""
    clients: list[Client] = []

    async def new(user: User = "admin", **options: Any) -> Client:
        async def ignore(_: Exception) -> None: ...

        client = await nats.connect(nats_server.url(user), **{"inbox_prefix": inbox_prefix(user), "error_cb": ignore} | options)
        clients.append(client)
        return client

    yield new
    await asyncio.gather(*(client.close() for client in clients))


@pytest.fixture
async def quick(new_client: NewClient) -> Queue[Generate]:
    """The queue of generations, with an ack_wait of one second and two tries."""
    admin = await new_client()
    consumer = next(consumer for consumer in CONSUMERS if consumer.name == GENERATE.name)
    config = consumer_config(consumer) | {"ack_wait": 1_000_000_000}
    question = {"stream_name": consumer.stream, "config": config, "action": "update"}
    subject = f"$JS.API.CONSUMER.CREATE.{consumer.stream}.{consumer.name}.{consumer.filter}"
    reply = await admin.request(subject, json.dumps(question).encode(), timeout=5)
    assert b'"error"' not in reply.data
    return Queue(GENERATE.name, Generate, ack_wait=1.0, deliveries=2)
