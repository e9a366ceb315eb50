"""compose.yaml for real, where a Docker engine runs: it builds, starts without an .env file, answers, scales and recovers."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from support.client import LOST
from support.system import free_port

from colloquy.development import ROOT
from colloquy.plan import SERVICES

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PROJECT = f"colloquy-test-{os.getpid()}"
READY_SECONDS = 120.0
POSTGRES_IMAGE = "pgvector/pgvector:pg17"
POSTGRES_PASSWORD = "hushHush7391"


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

    def __init__(self, project, *files, **environment):
        self.project = project
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        named = [part for file in files for part in ("--file", str(ROOT / file))]
        self._command = [*compose_command(), *named, "--project-name", project]
        self._environment = {
            **os.environ,
            "GATEWAY_PORT": str(self.port),
            "DOCKER_BUILDKIT": "1",
            "COMPOSE_DOCKER_CLI_BUILD": "1",
            **environment,
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
        labels = [f"project={self.project}", f"service={service}", f"container-number={number}"]
        filters = [part for label in labels for part in ("--filter", f"label=com.docker.compose.{label}")]
        return docker("ps", "-q", *filters)


def docker(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def started(compose: Compose, *scale: str) -> Iterator[Compose]:
    try:
        compose("build")
        compose("up", "-d", "--no-build", *scale)
        yield compose
    finally:
        compose("down", "--volumes", "--timeout", "10")


@pytest.fixture(scope="module")
def compose():
    if reason := missing():
        pytest.skip(reason)
    with started(Compose(PROJECT, "compose.yaml"), "--scale", "inference=2") as compose:
        yield compose


@pytest.fixture
def replicas():
    """Three memories on PostgreSQL."""
    if reason := missing():
        pytest.skip(reason)
    if subprocess.run(["docker", "image", "inspect", POSTGRES_IMAGE], capture_output=True, check=False).returncode:
        pytest.skip(f"there is no image {POSTGRES_IMAGE}: docker pull {POSTGRES_IMAGE}")
    files = ("compose.yaml", "compose.postgres.yaml")
    compose = Compose(f"{PROJECT}-postgres", *files, POSTGRES_PASSWORD=POSTGRES_PASSWORD)
    with started(compose, "--scale", "memory=3") as compose:
        yield compose


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
    own = {"gateway": {"gateway_jwt_secret", "gateway_service_token"}, "memory": {"memory_audit_key"}}
    for service in SERVICES:
        found = set(compose("exec", "-T", service, "ls", "/run/secrets").split())
        assert found == {"nats_url"} | own.get(service, set()), service
        assert compose("exec", "-T", service, "id", "-u").strip() == "10001"
        with pytest.raises(AssertionError, match="Read-only file system"):
            compose("exec", "-T", service, "touch", "/app/x")


async def test_three_memories_on_postgresql_go_on_when_one_is_killed_and_no_log_has_the_password(replicas):
    async with replicas.client(replicas.token("ana")) as ana:
        await ready(ana)
        assert (await ana.post("/api/chat", json={"message": "count to 5"})).json()["reply"] == "1, 2, 3, 4, 5"
        before = (await ana.get("/api/v1/state")).json()["version"]
        docker("kill", replicas.container("memory 2"))
        for number in range(30):
            task = {"action": "create", "task": {"title": f"zebra {number}"}}
            assert (await ana.post("/api/v1/tasks", json=task)).status_code == 200
        changed = (await ana.get("/api/v1/state", params={"since": before})).json()
        assert {task["title"] for task in changed["tasks"]} == {f"zebra {number}" for number in range(30)}
        assert (await ana.post("/api/chat", json={"message": "/echo still here"})).json()["reply"] == "still here"
        await found(ana, "still here")
    logs = replicas("logs", "--no-color")
    assert "service.started" in logs
    assert POSTGRES_PASSWORD not in logs


async def found(client, words):
    """Search finds the words: they are indexed behind the write."""
    async with asyncio.timeout(30):
        while not (await client.get("/api/v1/search", params={"q": words})).json()["hits"]:
            await asyncio.sleep(0.2)


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
