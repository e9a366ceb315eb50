"""Takes the pictures of docs/web.md: `.venv/bin/python docs/screens.py http://127.0.0.1:8787` while Colloquy runs."""

import asyncio
import shutil
import sys
import tempfile
import time
import wave
from pathlib import Path

import httpx
from playwright.async_api import Browser, Page, Playwright, async_playwright

FOLDER = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
SAID = "Please remind me to call the doctor tomorrow morning."
TEXT = r"""/echo ## Why rain falls

Drops grow until they are **heavier than the air can carry**. How fast they fall depends on their size,
$v \approx \sqrt{2mg / \rho A C_d}$:

| Drop | Diameter | Speed |
|---|---:|---:|
| drizzle | 0.5 mm | 2 m/s |
| rain | 2 mm | 6.5 m/s |

```python
def speed(diameter: float) -> float:
    # metres per second, roughly
    return 9.65 - 10.3 * math.exp(-0.6 * diameter)
```
"""


async def _open(browser: Browser, url: str, user: str, **options: object) -> Page:
    context = await browser.new_context(
        **{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "permissions": ["microphone"], **options}
    )
    page = await context.new_page()
    await page.goto(f"{url}/?user={user}")
    await page.wait_for_selector("[data-connection=live]", state="attached")
    return page


async def _say(page: Page, text: str, count: int) -> None:
    await page.fill("#composer", text)
    await page.click("button[aria-label=Send]")
    answers = page.locator(".message.assistant[data-status=completed]")
    await answers.nth(count - 1).wait_for()
    await asyncio.sleep(1)


async def _take(page: Page, name: str) -> None:
    await page.mouse.move(640, 40)
    await page.screenshot(path=FOLDER / f"{name}.png")


async def _desk(browser: Browser, url: str, user: str) -> None:
    page = await _open(browser, url, user)
    await _take(page, "welcome")
    await _say(page, TEXT, 1)
    await _take(page, "chat-light")
    await page.click(".new-chat")
    await _say(page, "Find flights from Berlin to Lisbon next Friday", 1)
    await page.locator(".scroller").evaluate("view => view.scrollTo(0, 0)")
    await asyncio.sleep(0.5)
    await _take(page, "flights")
    await page.click(".new-chat")
    await _say(page, "Remind me to buy an umbrella tomorrow", 1)
    await _say(page, "note: the roof leaks above the window", 2)
    await page.click("button[aria-label='Show side panel']")
    await asyncio.sleep(1)
    await _take(page, "cards")
    await page.emulate_media(color_scheme="dark")
    await page.click("[role=tab][aria-label=Work]")
    await page.fill("[aria-label='A goal to work on']", "count to 3, then count to 5")
    await page.keyboard.press("Enter")
    await asyncio.sleep(5)
    await _take(page, "workflow-dark")
    await page.click("button[aria-label=Debug]")
    await asyncio.sleep(1)
    await _take(page, "debug-dark")
    await page.keyboard.press("Escape")


async def _voice(playwright: Playwright, url: str, user: str) -> None:
    """Somebody asks for something: the server's own voice, heard by the microphone of a browser."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        await asyncio.to_thread(_spoken, url, user, Path(file.name))
        flag = f"--use-file-for-fake-audio-capture={file.name}%noloop"
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS, flag])
        page = await _open(browser, url, user)
        await _say(page, "What is 12 times 7?", 1)
        await page.click("button[aria-label=Hands-free]")
        await page.locator(".voice-said", has_text="doctor").wait_for()
        await _take(page, "voice")
        await browser.close()


def _spoken(url: str, user: str, place: Path) -> None:
    sound = httpx.post(f"{url}/api/v1/speech?user={user}", json={"text": SAID, "format": "wav"}).content
    # A stream's head does not know how long it is; Chromium wants to.
    with wave.open(str(place), "wb") as file:
        file.setparams((1, 2, int.from_bytes(sound[24:28], "little"), 0, "NONE", ""))
        file.writeframes(bytes(64_000) + sound[44:] + bytes(320_000))


async def _phone(browser: Browser, url: str, user: str) -> None:
    phone = {"viewport": {"width": 390, "height": 780}, "is_mobile": True, "has_touch": True, "color_scheme": "dark"}
    page = await _open(browser, url, user, **phone)
    await page.click("button[aria-label='Show conversations']")
    await page.locator(".item-open").last.click()
    await page.wait_for_selector(".message.assistant[data-status=completed]")
    await asyncio.sleep(1.5)
    await page.screenshot(path=FOLDER / "phone-dark.png")


async def _main(url: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    user = f"ana-{time.time() % 1_000:.0f}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        await _desk(browser, url, user)
        await _phone(browser, url, user)
        await browser.close()
        await _voice(playwright, url, f"{user}-voice")


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
