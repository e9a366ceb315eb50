"""The web page in real Chromium: first paint, a minute of an answer at 100 tokens a second, a conversation of 5,000 messages.

Prints a Markdown table. Needs Chromium; `SECONDS=10` makes it shorter. What holds the main thread up are its long tasks, as the
browser's own trace counts them: more than 50 ms.
"""

import asyncio
import json
import os
import shutil
import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, async_playwright
from pydantic import SecretStr

from benchmarks.machine import machine
from benchmarks.turn import colloquy
from shared.bus import connect
from shared.contract.memory import SEND_MESSAGE, SendMessage
from shared.contract.objects import PromptMessage
from shared.settings import NatsSettings

RATE = 100
SECONDS = int(os.environ.get("SECONDS", "60"))
MESSAGES = 5_000
OPENINGS = 5
SCREENS = 120
WATCH = """
window.held = [];
const observer = new PerformanceObserver(list => { for (const task of list.getEntries()) held.push(task.duration); });
observer.observe({type: "longtask", buffered: true});
"""
SECTION = """## Part {number}

Some words **that matter**, a [link](https://example.com), `code`, and $a^2 + b^2 = c^2$ for the {number}th time.

- first of {number}
- second, with *emphasis*

| Name | Value |
|---|---:|
| row {number} | {number} |

```python
def part_{number}(x: float) -> float:
    return x * {number}
```

"""
# Scrolls up by a screen a frame, as fast as a person can, and tells how long each frame took.
SCROLL = """async (screens) => {
  const view = document.querySelector('.scroller'), frames = [];
  let last = performance.now();
  for (let n = 0; n < screens; n++) {
    view.scrollBy(0, -view.clientHeight / 4);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  return frames;
}"""


async def _main(port: int, data: Path) -> None:
    url = f"http://127.0.0.1:{port}"
    conversation = await _long_conversation(data)
    print(f"{machine()}\n\n| What | |\n|---|---:|")
    async with async_playwright() as playwright:
        place = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=place, args=["--no-sandbox"])
        page = await _page(browser)
        await _first_paint(page, url)
        await _stream(page, "a paragraph that grows", f"count to {RATE * (SECONDS + 5)}")
        await _stream(page, "headings, tables, code, formulas", "/echo " + _markdown(RATE * (SECONDS + 5)))
        await _openings(browser, f"{url}/?user=long#/c/{conversation}")
        await browser.close()


async def _page(browser: Browser) -> Page:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.add_init_script(WATCH)
    return page


def _markdown(tokens: int) -> str:
    """Text of a model that explains something, of about so many tokens; no longer than a message may be."""
    text = ""
    for number in range(1, tokens):
        section = SECTION.format(number=number)
        if len(text) + len(section) > min(tokens * 5, 32_000):
            break
        text += section
    return text


async def _long_conversation(data: Path) -> str:
    """As another client brings it along; its id."""
    texts = [f"Message {number}: " + "a few words of it. " * (number % 3 + 1) for number in range(MESSAGES)]
    history = [PromptMessage(role="assistant" if number % 2 else "user", text=text) for number, text in enumerate(texts)]
    place = urlsplit((data / "run" / "nats.url").read_text().strip())
    password = json.loads((data / "secrets.json").read_text())["gateway"]
    settings = NatsSettings(url=SecretStr(f"nats://gateway:{password}@{place.hostname}:{place.port}"))
    async with connect(settings, "gateway") as bus:
        order = SendMessage(user="long", text="count to 3", history=history)
        return (await bus.ask(SEND_MESSAGE, order, timeout=60)).conversation_id


async def _first_paint(page: Page, url: str) -> None:
    await page.goto(f"{url}/?user=bench")
    await page.wait_for_selector("#composer")
    paint = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    print(f"| first contentful paint, nothing cached | {paint:.0f} ms |")


async def _stream(page: Page, what: str, text: str) -> None:
    """Starts an answer in a new conversation, lets the page settle, and counts what holds it up from then on."""
    await page.click(".new-chat")
    await page.fill("#composer", text)
    await page.press("#composer", "Enter")
    await page.wait_for_selector(".message.assistant .markdown > *")
    await page.evaluate("held.length = 0")
    shown = "document.querySelector('.message.assistant').textContent.length"
    before, begun = await page.evaluate(shown), time.monotonic()
    await asyncio.sleep(SECONDS)
    held, after = await page.evaluate("held"), await page.evaluate(shown)
    print(f"| {what}: characters shown in {time.monotonic() - begun:.0f} s | {after - before} |")
    print(f"| tasks longer than 50 ms; the longest | {len(held)}; {max(held, default=0):.0f} ms |")
    await page.click("button[aria-label=Stop]")


async def _openings(browser: Browser, address: str) -> None:
    """From the address to the newest message, in a browser that has seen the page; then up through the conversation."""
    times: list[float] = []
    page = await _page(browser)
    for _ in range(OPENINGS + 1):
        await page.goto("about:blank")
        begun = time.monotonic()
        await page.goto(address, wait_until="commit")
        await page.get_by_text("1, 2, 3").last.wait_for()
        times.append((time.monotonic() - begun) * 1_000)
    print(f"| {MESSAGES} messages: from the address to the newest one, p50 | {statistics.median(times[1:]):.0f} ms |")
    print(f"| the same with nothing cached | {times[0]:.0f} ms |")
    print(f"| rows in the document | {await page.locator('.row').count()} |")
    await page.evaluate("held.length = 0")
    frames = sorted(await page.evaluate(SCROLL, SCREENS * 4))
    held = await page.evaluate("held")
    slow = frames[int(len(frames) * 0.99)]
    print(f"| scrolling up {SCREENS} screens: frame p50, p99 | {statistics.median(frames):.0f}, {slow:.0f} ms |")
    print(f"| tasks longer than 50 ms; the longest | {len(held)}; {max(held, default=0):.0f} ms |")


if __name__ == "__main__":
    with colloquy(RATE) as (its_port, its_process):
        command = its_process.cmdline()
        asyncio.run(_main(its_port, Path(command[command.index("--data") + 1])))
