"""The web page in real Chromium: a minute of an answer at 100 tokens a second, and what holds the main thread up meanwhile.

Prints a Markdown table. Needs Chromium; `SECONDS=10` makes it shorter.
"""

import asyncio
import os
import shutil
import time

from playwright.async_api import Page, async_playwright

from benchmarks.turn import colloquy

RATE = 100
SECONDS = int(os.environ.get("SECONDS", "60"))
WATCH = """
window.held = [];
const observer = new PerformanceObserver(list => { for (const task of list.getEntries()) held.push(task.duration); });
observer.observe({type: "longtask", buffered: true});
"""


async def _main(port: int) -> None:
    async with async_playwright() as playwright:
        place = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=place, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.add_init_script(WATCH)
        await _first_paint(page, port)
        await _stream(page)
        await browser.close()


async def _first_paint(page: Page, port: int) -> None:
    await page.goto(f"http://127.0.0.1:{port}/?user=bench")
    await page.wait_for_selector("#composer")
    paint = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    print("| What | |\n|---|---:|")
    print(f"| first contentful paint, nothing cached | {paint:.0f} ms |")


async def _stream(page: Page) -> None:
    """Starts an answer, lets the page settle, and counts what holds it up from then on."""
    await page.fill("#composer", f"count to {RATE * (SECONDS + 5)}")
    await page.press("#composer", "Enter")
    await page.wait_for_selector(".message.assistant .markdown p")
    await page.evaluate("held.length = 0")
    before = await page.evaluate("document.querySelector('.message.assistant').textContent.length")
    begun = time.monotonic()
    await asyncio.sleep(SECONDS)
    held = await page.evaluate("held")
    after = await page.evaluate("document.querySelector('.message.assistant').textContent.length")
    seconds = time.monotonic() - begun
    print(f"| text shown | {after - before} characters in {seconds:.0f} s |")
    print(f"| tasks longer than 50 ms | {len(held)} |")
    print(f"| the longest | {max(held, default=0):.0f} ms |")


if __name__ == "__main__":
    with colloquy(RATE) as (its_port, _):
        asyncio.run(_main(its_port))
