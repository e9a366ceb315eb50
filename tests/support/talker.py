"""Somebody who talks to the page: a microphone that hears what flite says, and a note of every sound the page makes."""

import asyncio
import base64
import io
import re
import wave

from playwright.async_api import expect

from support.speech import RATE, spoken

WAIT = 45_000
"""Milliseconds: other work may be done on this machine."""

# A microphone that is spoken into when the test says so, and a note of every sound that the page makes.
MICROPHONE = """
(() => {
  const ears = [];
  let context;
  window.streams = () => ears.filter(({ stream }) => stream.getTracks().some((track) => track.readyState === 'live')).length;
  navigator.mediaDevices.getUserMedia = async () => {
    context ??= new AudioContext();
    await context.resume();
    const ear = context.createMediaStreamDestination();
    ears.push(ear);
    return ear.stream;
  };
  window.speak = async (data) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const source = context.createBufferSource();
    source.buffer = await context.decodeAudioData(bytes.buffer);
    for (const ear of ears) source.connect(ear);
    source.start();
    window.spokenAt = performance.now();
    await new Promise((resolve) => { source.onended = resolve; });
  };
})();
"""
SOUNDS = """
(() => {
  window.sounds = [];
  window.asked = [];
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    if (!this.noted) {
      this.noted = true;
      const note = (kind) => () => window.sounds.push({ kind, at: performance.now(), time: this.currentTime });
      for (const kind of ['playing', 'pause', 'ended']) this.addEventListener(kind, note(kind));
      window.voice = this;
    }
    return play.call(this);
  };
  const go = window.fetch;
  window.fetch = function (address, init) {
    if (String(address).includes('/api/v1/speech') && init?.body) window.asked.push(JSON.parse(init.body));
    return go.call(window, address, init);
  };
})();
"""


def sound(pcm):
    """A WAV file."""
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)
    return sink.getvalue()


class Talker:
    """Somebody who talks to the page."""

    def __init__(self, device):
        self.page, self.user, self.complaints = device.page, device.user, device.complaints
        self.say, self.ended, self.conversation = device.say, device.ended, device.conversation

    async def says(self, text, pause=0.2):
        pcm = spoken(text, pause)
        await self.page.evaluate("data => speak(data)", base64.b64encode(sound(pcm)).decode())

    def shown(self, phase):
        return self.page.locator(f".voice.{phase}")

    async def press(self, name):
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def hands_free(self):
        await self.press("Hands-free")
        await self.shown("listening").wait_for()
        await self.until("streams() > 0")

    async def until(self, condition):
        """Waits for something in the page; Playwright's own way needs what the page's policy forbids."""
        async with asyncio.timeout(WAIT / 1_000):
            await self.page.evaluate(
                f"(async () => {{ while (!({condition})) await new Promise((go) => setTimeout(go, 25)); }})()"
            )

    async def hears(self):
        """Waits until the page's voice is to be heard."""
        await self.until("window.voice && !voice.paused && voice.currentTime > 0.05")

    async def composed(self):
        await expect(self.page.locator("#composer")).to_have_value(re.compile("..."), timeout=WAIT)
        return await self.page.input_value("#composer")

    async def asked(self, count=1):
        """What has been sent, as the page shows it."""
        await expect(self.page.locator(".message.user:not(.sending) .bubble")).to_have_count(count, timeout=WAIT)
        return await self.page.locator(".message.user .bubble").all_text_contents()
