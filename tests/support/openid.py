"""A real OpenID provider (npm `oidc-provider`, run by Node.js): people sign in on its own pages."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from support.node import NODE, ROOT, installed
from support.system import free_port

FOLDER = ROOT / "provider"
READY_SECONDS = 60.0


class Provider:
    """A running provider."""

    def __init__(self, process: "subprocess.Popen[str]", port: int, said: Path) -> None:
        self.process = process
        self.issuer = f"http://127.0.0.1:{port}"
        self._said = said

    def register(self, page: str, **more: Any) -> tuple[str, str | None]:
        """A client whose page is there: its id, and its secret if it has one."""
        asked = {
            "redirect_uris": [f"{page}/api/v1/session/callback"],
            "post_logout_redirect_uris": [f"{page}/"],
            "grant_types": ["authorization_code", "refresh_token"],
            **more,
        }
        answer = httpx.post(f"{self.issuer}/reg", json=asked, trust_env=False, timeout=30)
        assert answer.status_code == 201, answer.text
        return answer.json()["client_id"], answer.json().get("client_secret")

    def said(self) -> list[dict[str, Any]]:
        """What it has done."""
        return [json.loads(line) for line in self._said.read_text().splitlines() if line.startswith("{")]

    def grants(self, kind: str = "refresh_token") -> int:
        """How many grants of this type it has accepted."""
        return sum(each.get("grant") == kind and "error" not in each for each in self.said())

    def refused(self) -> list[dict[str, Any]]:
        """What it did not accept."""
        return [each for each in self.said() if "error" in each]

    def order(self, word: str) -> None:
        """`rotate` gives it new keys, and the old ones count no more; `down` closes its port, `up` opens it again."""
        before = len(self.said())
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        self.wait(word, before)

    def wait(self, word: str, before: int = 0) -> None:
        """Until it has done what it was told."""
        deadline = time.monotonic() + READY_SECONDS
        while {"done": word} not in self.said()[before:]:
            assert time.monotonic() < deadline, "the provider does not answer"
            assert self.process.poll() is None, self._said.read_text()
            time.sleep(0.05)


@contextmanager
def provider(folder: Path, *, seconds: int = 600) -> Iterator[Provider]:
    """A provider whose id tokens live this long."""
    place, said, port = installed(FOLDER), folder / "provider.jsonl", free_port()
    folder.mkdir(parents=True, exist_ok=True)
    with (
        said.open("w") as output,
        (folder / "provider.log").open("w") as errors,
        subprocess.Popen(
            [str(NODE / "bin" / "node"), "provider.mjs", str(port), str(seconds)],
            cwd=place,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            text=True,
        ) as process,
    ):
        running = Provider(process, port, said)
        try:
            running.wait("up")
            yield running
        finally:
            process.kill()


class Visitor:
    """A person with a browser of their own at the provider's pages, as far as forms and links go."""

    def __init__(self, name: str = "ana") -> None:
        self.name = name
        # Not httpx's cookies alone: what the provider sets is for its own address, and what we set is handed over by the tests.
        self.http = httpx.AsyncClient(trust_env=False, timeout=30)

    async def signs_in(self, address: str, *, cancels: bool = False) -> str:
        """Goes where the gateway sends it, fills in each form; answers the address the provider sends it back to."""
        issuer = re.match(r"https?://[^/]+", address)
        assert issuer is not None
        response = await self.http.get(address)
        for _ in range(20):
            while response.is_redirect:
                place = urljoin(str(response.url), response.headers["location"])
                if not place.startswith(issuer[0]):
                    return place
                response = await self.http.get(place)
            assert response.status_code == 200, response.text
            response = await self._answered(response, cancels=cancels)
        raise AssertionError("the provider asks for ever")

    async def _answered(self, page: httpx.Response, *, cancels: bool) -> httpx.Response:
        if cancels:
            cancel = re.search(r'href="([^"]+/abort)"', page.text)
            assert cancel is not None, page.text
            return await self.http.get(urljoin(str(page.url), cancel[1]))
        form = re.search(r'<form[^>]* action="([^"]+)"', page.text)
        assert form is not None, page.text
        fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]+)"', page.text))
        place = urljoin(str(page.url), unescape(form[1]))
        return await self.http.post(place, data={**fields, "login": self.name, "password": "any"})


async def until(condition: Any, seconds: float = 30.0) -> None:
    """Waits for something that happens elsewhere."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)
