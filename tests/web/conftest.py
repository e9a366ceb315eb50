"""The page in real browsers, served by a whole Colloquy."""

import os
import re

import pytest
from playwright.async_api import async_playwright, expect
from support.browser import chromium
from support.system import running

from colloquy.webpage import NotBuilt, Webpage

SETTINGS = {
    "INFERENCE_DEMO_TOKENS_PER_SECOND": "40",
    "GATEWAY_RATE_PER_MINUTE": "1000000",
    "GATEWAY_RATE_BURST": "100000",
    "GATEWAY_STREAMS_PER_USER": "1000",
}
WAIT = 45_000
"""Milliseconds: other work may be done on this machine."""


@pytest.fixture(scope="session")
def built():
    """The page as its sources are now."""
    page = Webpage()
    if page.is_current() and (page.sources / "node_modules").is_dir():
        return
    try:
        page.build(print)
    except NotBuilt as fault:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the web page can't be built here: {fault}")


@pytest.fixture(scope="session")
def system(tmp_path_factory, built):
    with running(tmp_path_factory.mktemp("web"), scale="inference=2", flights=True, **SETTINGS) as whole:
        yield whole


@pytest.fixture
async def browser():
    """One Chromium; each context in it is a device of its own."""
    place = chromium()
    if place is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    async with async_playwright() as playwright:
        flags = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        opened = await playwright.chromium.launch(executable_path=place, args=flags)
        yield opened
        await opened.close()


class Device:
    """A browser of a person's, with the page open."""

    def __init__(self, page, base, user):
        self.page, self.base, self.user = page, base, user
        self.complaints = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._note)

    def _note(self, line):
        # What an older server does not have is asked for and not missed.
        if line.type == "error" and "Failed to load resource" not in line.text:
            self.complaints.append(line.text)

    async def open(self, conversation=None):
        place = f"#/c/{conversation}" if conversation else ""
        await self.page.goto(f"{self.base}/?user={self.user}{place}")
        await self.page.wait_for_selector("[data-connection=live]", state="attached")
        return self

    async def say(self, text):
        await self.page.fill("#composer", text)
        await self.page.press("#composer", "Enter")

    async def conversation(self):
        """The id of the one that is open."""
        await expect(self.page).to_have_url(re.compile("#/c/"), timeout=WAIT)
        return self.page.url.rpartition("#/c/")[2]

    async def answer_begins(self):
        await expect(self.page.locator(".message.assistant .markdown").last).to_have_text(re.compile("...."), timeout=WAIT)

    async def ended(self, count=1, status="completed"):
        """Waits until so many answers have ended like this; the text of the last one as it is shown."""
        answers = self.page.locator(f".message.assistant[data-status={status}]")
        await expect(answers).to_have_count(count, timeout=WAIT)
        return await self.shown()

    async def shown(self):
        return await self.page.evaluate(
            "[...document.querySelectorAll('.message.assistant')].at(-1)?.querySelector('.markdown')?.textContent ?? ''"
        )


@pytest.fixture
async def device(browser, system, request):
    """Opens the page on one more device."""
    user = "w-" + str(abs(hash(request.node.nodeid)))

    async def another(*, user=user, base=system.url, context=None, **options):
        place = context or await browser.new_context(
            **{"locale": "en-GB", "viewport": {"width": 1280, "height": 800}} | options
        )
        place.set_default_timeout(WAIT)
        return Device(await place.new_page(), base, user)

    return another
