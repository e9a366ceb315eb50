"""Makes the streams and consumers of the contract so. An administrator runs it first; twice is as good as once."""

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any, cast

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from shared.contract.permissions import inbox_prefix
from shared.contract.streams import CONSUMERS, STREAMS, Consumer, Stream
from shared.settings import NatsSettings, read, settings_config

Json = dict[str, Any]

GIB = 1024**3
NANOSECONDS = 1_000_000_000
STREAM_NOT_FOUND = 10059
# JetStream says these while it starts, or while a cluster looks for its leader (F12).
NOT_READY = frozenset({10008, 10039, 10076})
MAX_ACK_PENDING = 20_000
"""Orders that all workers together may hold; at the limit the whole consumer would stand still (T14)."""


class ProvisionSettings(BaseSettings):
    """How large and how safe the streams are."""

    model_config = settings_config("PROVISION_")

    budget_bytes: int = Field(
        default=0, ge=0, description="Disk that all streams together may use; 0: half of what is free here, 16 GiB at most."
    )
    replicas: int = Field(default=1, ge=1, le=5, description="On how many nodes of a NATS cluster each stream is kept.")
    timeout: float = Field(default=30.0, gt=0, description="Seconds to wait for NATS and JetStream to be ready.")


class ProvisionFailed(Exception):
    """The streams could not be made so; the message is one sentence for people."""


class _NotYet(Exception):
    """JetStream is still starting."""


def default_budget(where: Path) -> int:
    """Half of the free disk at `where`, 16 GiB at most."""
    return min(16 * GIB, shutil.disk_usage(where).free // 2)


def stream_config(stream: Stream, budget: int, replicas: int) -> Json:
    """The stream as JetStream's own configuration."""
    source, destination = stream.republish or ("", "")
    config: Json = {
        "name": stream.name,
        "subjects": list(stream.subjects),
        "retention": stream.retention,
        "storage": "file",
        "discard": stream.discard,
        "max_age": round(stream.max_age * NANOSECONDS),
        "max_bytes": int(stream.share * budget),
        "num_replicas": replicas,
        "duplicate_window": round(stream.duplicate_window * NANOSECONDS),
        "allow_direct": True,
        "allow_msg_ttl": stream.message_ttl,
        "allow_msg_schedules": stream.schedules,
        "max_msgs_per_subject": stream.per_subject,
    }
    return config | ({"republish": {"src": source, "dest": destination}} if stream.republish else {})


def consumer_config(consumer: Consumer) -> Json:
    """The consumer as JetStream's own configuration."""
    return {
        "durable_name": consumer.name,
        "name": consumer.name,
        "filter_subject": consumer.filter,
        "ack_policy": "explicit",
        "ack_wait": round(consumer.ack_wait * NANOSECONDS),
        # No limit here: the worker buries an order itself, because the server would only leave it lying (T13).
        "max_deliver": -1,
        "max_ack_pending": MAX_ACK_PENDING,
    }


async def provision(url: str, settings: ProvisionSettings) -> None:
    """Makes all streams and consumers so. Raises ProvisionFailed."""
    budget = settings.budget_bytes or default_budget(Path.cwd())
    client = await _connected(url, settings.timeout)
    try:
        async with asyncio.timeout(settings.timeout):
            await _when_ready(client)
            await asyncio.gather(*(_make_stream(client, stream, budget, settings.replicas) for stream in STREAMS))
            await asyncio.gather(*(_make_consumer(client, consumer) for consumer in CONSUMERS))
    except TimeoutError:
        raise ProvisionFailed(f"JetStream is not ready after {settings.timeout:g} s.") from None
    except NatsError as error:
        raise ProvisionFailed(f"NATS refused to make the streams: {error}.") from error
    finally:
        await client.close()


async def _connected(url: str, timeout: float) -> Client:
    errors: list[Exception] = []

    async def note(error: Exception) -> None:
        errors.append(error)

    try:
        async with asyncio.timeout(timeout):
            return await nats.connect(
                url.split(","),
                inbox_prefix=inbox_prefix("admin"),
                max_reconnect_attempts=-1,
                reconnect_time_wait=cast("int", 0.2),  # the annotation says int, the code sleeps any number
                error_cb=note,
            )
    except (TimeoutError, NatsError, OSError) as error:
        reason = str(errors[-1] if errors else error) or "no answer"
        raise ProvisionFailed(f"NATS can't be reached: {reason}.") from error


async def _when_ready(client: Client) -> None:
    while True:
        try:
            await _api(client, "INFO", {})
        except (_NotYet, NoRespondersError, TimeoutError):
            await asyncio.sleep(0.1)
        else:
            return


async def _make_stream(client: Client, stream: Stream, budget: int, replicas: int) -> None:
    config = stream_config(stream, budget, replicas)
    if await _api(client, f"STREAM.UPDATE.{stream.name}", config, accept=STREAM_NOT_FOUND):
        await _api(client, f"STREAM.CREATE.{stream.name}", config)


async def _make_consumer(client: Client, consumer: Consumer) -> None:
    question = {"stream_name": consumer.stream, "config": consumer_config(consumer), "action": ""}
    await _api(client, f"CONSUMER.CREATE.{consumer.stream}.{consumer.name}.{consumer.filter}", question)


async def _api(client: Client, verb: str, question: Json, accept: int = 0) -> bool:
    """Asks JetStream's API. Whether it answered with the error `accept`; any other error is raised."""
    reply = await client.request(f"$JS.API.{verb}", json.dumps(question).encode(), timeout=10.0)
    error = json.loads(reply.data).get("error")
    if error is None:
        return False
    code = error.get("err_code", 0)
    if code in NOT_READY:
        raise _NotYet
    if code != accept:
        raise ProvisionFailed(f"JetStream refused {verb}: {error.get('description', code)}.")
    return True


def main() -> None:
    """`python -m shared.provision`: NATS_URL is the administrator's."""
    url: SecretStr = read(NatsSettings).url
    try:
        asyncio.run(provision(url.get_secret_value(), read(ProvisionSettings)))
    except ProvisionFailed as failure:
        sys.stderr.write(f"{failure}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
