"""compose.yaml for real, where a Docker engine runs: it builds, starts without an .env file, answers, scales and recovers."""

import asyncio
import json
import os
import shutil
import subprocess

import httpx
import pytest
from support.client import LOST
from support.system import free_port

from colloquy.development import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PROJECT = f"colloquy-test-{os.getpid()}"
READY_SECONDS = 120.0


def missing():
    """Why the tests can't run here, or nothing."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "no Docker engine answers"
    return "" if compose_command() else "there is neither `docker compose` nor docker-compose"


def compose_command():
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else []


class Compose:
    """One installation in containers."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [*compose_command(), "--file", str(ROOT / "compose.yaml"), "--project-name", PROJECT]
        self._environment = {
            **os.environ,
            "GATEWAY_PORT": str(self.port),
            "DOCKER_BUILDKIT": "1",
            "COMPOSE_DOCKER_CLI_BUILD": "1",
        }

    def __call__(self, *arguments):
        told = subprocess.run([*self._command, *arguments], capture_output=True, text=True, check=False, env=self._environment)
        assert told.returncode == 0, f"{arguments}: {told.stdout}{told.stderr}"
        return told.stdout

    def token(self, user):
        return self("run", "--rm", "setup", "token", user).strip().splitlines()[-1]

    def client(self, token):
        return httpx.AsyncClient(base_url=self.url, headers={"authorization": f"Bearer {token}"}, timeout=60, trust_env=False)

    def container(self, name):
        """The id of a container such as `inference 2`."""
        service, number = name.split()
        labels = [f"project={PROJECT}", f"service={service}", f"container-number={number}"]
        filters = [part for label in labels for part in ("--filter", f"label=com.docker.compose.{label}")]
        return docker("ps", "-q", *filters)


def docker(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def compose():
    if reason := missing():
        pytest.skip(reason)
    compose = Compose()
    try:
        compose("build")
        compose("up", "-d", "--no-build", "--scale", "inference=2")
        yield compose
    finally:
        compose("down", "--volumes", "--timeout", "10")


@pytest.fixture
async def ana(compose):
    async with compose.client(compose.token("ana")) as client:
        await ready(client)
        yield client


async def test_without_an_env_file_it_starts_asks_who_you_are_and_answers(compose, ana):
    async with compose.client("nonsense") as nobody:
        assert (await nobody.get("/api/v1/state")).status_code == 401
    assert (await ana.post("/api/chat", json={"message": "count to 5"})).json()["reply"] == "1, 2, 3, 4, 5"


async def test_an_answer_goes_on_when_its_worker_is_killed(compose, ana):
    first, second = compose.container("inference 1"), compose.container("inference 2")
    docker("stop", second)
    accepted = (await ana.post("/api/v1/message", json={"text": "count to 300"})).json()
    await begun(ana, accepted)
    docker("start", second)
    docker("kill", first)
    end = await terminal(ana, accepted)
    assert end["message"]["text"] == ", ".join(map(str, range(1, 301)))
    docker("start", first)


async def test_a_second_start_keeps_keys_and_conversations(compose, ana):
    said = (await ana.post("/api/chat", json={"message": "/echo kept"})).json()
    compose("down", "--timeout", "10")
    compose("up", "-d", "--no-build", "--scale", "inference=2")
    await ready(ana)
    messages = (await ana.get(f"/api/v1/conversations/{said['conversationId']}/messages")).json()["messages"]
    assert [message["text"] for message in messages] == ["/echo kept", "kept"]


def test_s14_a_service_sees_its_own_secrets_only_and_can_write_nothing(compose):
    assert compose("exec", "-T", "inference", "ls", "/run/secrets").split() == ["nats_url"]
    assert sorted(compose("exec", "-T", "gateway", "ls", "/run/secrets").split()) == ["gateway_jwt_secret", "nats_url"]
    for service in ("gateway", "inference", "memory"):
        assert compose("exec", "-T", service, "id", "-u").strip() == "10001"
        with pytest.raises(AssertionError, match="Read-only file system"):
            compose("exec", "-T", service, "touch", "/app/x")


async def ready(client):
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except LOST:
                pass
            await asyncio.sleep(0.2)


async def events(client, accepted):
    async with client.stream("GET", accepted["streamUrl"]) as response:
        kind = ""
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            kind = value if name == "event" else kind
            if name == "data":
                yield kind, json.loads(value)


async def begun(client, accepted):
    async for kind, _ in events(client, accepted):
        if kind == "llm.token":
            return


async def terminal(client, accepted):
    async with asyncio.timeout(60):
        async for kind, data in events(client, accepted):
            if kind == "message.completed":
                return data
    raise AssertionError("the stream ended first")
