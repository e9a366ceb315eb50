"""How the page feels: for everybody, at once, however long a conversation is."""

import gzip
import json
import re

import pytest
from playwright.async_api import expect
from support.browser import WEB
from support.history import conversation_with

from colloquy.webpage import Webpage

BUDGET = 300_000


def test_the_scripts_of_the_first_load_fit_the_budget(built):
    folder = Webpage().built
    page = (folder / "index.html").read_text()
    first = re.findall(r'(?:src|href)="\./(assets/[^"]+\.js)"', page)
    assert first
    assert sum(len(gzip.compress((folder / name).read_bytes())) for name in first) <= BUDGET


def test_it_brings_everything_along(built):
    folder = Webpage().built
    assert not re.findall(r'(?:src|href)="https?:', (folder / "index.html").read_text())
    for sheet in folder.glob("assets/*.css"):
        assert not re.findall(r"url\(\s*[\"']?(?:https?:)?//", sheet.read_text()), sheet.name


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(device, scheme):
    ana = await (await device(color_scheme=scheme, bypass_csp=True)).open()
    await ana.say("/echo # Hello\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nprint(1)\n```\n\n$x^2$")
    await ana.ended()
    await ana.page.click("button[aria-label='Show side panel']")
    await ana.page.locator(".panel").wait_for()
    await ana.page.add_script_tag(path=WEB / "node_modules" / "axe-core" / "axe.min.js")
    found = [await serious(ana)]
    await ana.page.click("button[aria-label=Debug]")
    await ana.page.locator("dialog .facts").wait_for()
    found.append(await serious(ana))
    assert found == [[], []]


async def serious(device):
    report = json.loads(await device.page.evaluate("axe.run().then(report => JSON.stringify(report.violations))"))
    return [
        (each["id"], [node["html"][:160] for node in each["nodes"]])
        for each in report
        if each["impact"] in ("serious", "critical")
    ]


async def test_five_thousand_messages_are_a_window(system, device):
    ana = await device()
    texts = [f"Message {number}: " + "words that fill a line or two of it. " * (number % 3 + 1) for number in range(5_000)]
    conversation = await conversation_with(system, ana.user, texts)
    await ana.open(conversation)
    await ana.page.get_by_text("Message 4999:").wait_for()
    assert await ana.page.locator(".row").count() < 60
    for _ in range(6):
        await ana.page.locator(".scroller").evaluate("e => e.scrollTo(0, 0)")
        await ana.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert await ana.page.locator(".row").count() < 80
    await expect(ana.page.get_by_text("Message 4999:")).to_have_count(0)
    await ana.page.click("button[aria-label='Jump to the latest message']")
    await ana.page.get_by_text("Message 4999:").wait_for()


async def test_on_a_phone_the_conversations_come_when_they_are_called(device):
    ana = await (await device(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)).open()
    await ana.page.fill("#composer", "count to 3")
    await ana.page.tap("button[aria-label=Send]")
    await ana.ended()
    await expect(ana.page.locator(".sidebar")).not_to_be_in_viewport()
    await ana.page.click("button[aria-label='Show conversations']")
    await ana.page.get_by_role("button", name="Count to 3", exact=True).click()
    await expect(ana.page.locator(".sidebar")).not_to_be_in_viewport()
    assert await ana.page.evaluate("document.documentElement.scrollWidth") <= 390
