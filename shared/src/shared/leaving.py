"""How to leave nats-py's client, though it is just trying to reconnect."""

import asyncio

from nats.aio.client import Client


async def leave(client: Client) -> None:
    """Closes it. It and its attempt to reconnect wait for one future: when that attempt is cancelled, so is who closes."""
    try:
        await client.close()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
