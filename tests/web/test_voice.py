"""Talking to the page in a real Chromium: what flite says is understood and answered, and the answer is heard."""

import asyncio
import json
import re
import signal

import pytest
from playwright.async_api import async_playwright, expect
from support.browser import chromium
from support.speech import SENTENCES, flite, quiet, spoken, understood
from support.system import running
from support.talker import MICROPHONE, SOUNDS, Talker, sound

COFFEE = SENTENCES[2]


@pytest.fixture
async def talker(browser, system, device):
    flite()

    async def another(*, base=system.url, context=None, **options):
        place = context or await browser.new_context(**{"locale": "en-GB", "permissions": ["microphone"]} | options)
        if context is None:
            await place.add_init_script(MICROPHONE + SOUNDS)
        return Talker(await (await device(context=place, base=base)).open())

    return another


@pytest.fixture
async def speaker_at_the_device(device, tmp_path):
    """A browser of its own, whose microphone hears a file once, from when it is opened."""
    place = chromium()
    if place is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    flite()
    file = tmp_path / "said.wav"
    file.write_bytes(sound(quiet(1.0) + spoken(COFFEE, 6.0)))
    flags = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    async with async_playwright() as playwright:
        flags.append(f"--use-file-for-fake-audio-capture={file}%noloop")
        browser = await playwright.chromium.launch(executable_path=place, args=flags)
        context = await browser.new_context(locale="en-GB", permissions=["microphone"])
        await context.add_init_script(SOUNDS)
        yield Talker(await (await device(context=context)).open())
        await browser.close()


# --- while a button is pressed ----------------------------------------------------------------------------------------------


async def test_words_are_shown_while_they_are_spoken_and_reviewed_before_they_are_sent(speaker_at_the_device, system):
    ana = speaker_at_the_device
    await ana.press("Talk")
    await ana.page.locator(".voice-said", has_text="coffee").wait_for()
    await ana.press("Stop and transcribe")
    assert "coffee" in await ana.composed()
    await expect(ana.page.locator(".message")).to_have_count(0)
    await expect(ana.page.locator(".voice")).to_have_count(0)
    await ana.page.press("#composer", "Enter")
    await ana.ended()
    async with system.client(ana.user) as client:
        asked, _ = await client.messages(await ana.conversation())
    assert asked["channel"] == "voice"
    assert ana.complaints == []


async def test_alt_v_begins_and_ends_and_escape_throws_away(talker):
    ana = await talker()
    await ana.page.keyboard.press("Alt+v")
    await ana.until("streams() === 1")
    await ana.says(COFFEE)
    await ana.page.keyboard.press("Alt+v")
    assert understood(COFFEE, await ana.composed()) >= 0.6
    await ana.page.fill("#composer", "")
    await ana.page.keyboard.press("Alt+v")
    await ana.until("streams() === 1")
    await ana.says("hello there")
    await ana.page.keyboard.press("Escape")
    await ana.until("streams() === 0")
    await expect(ana.page.locator(".voice")).to_have_count(0)
    await expect(ana.page.locator("#composer")).to_have_value("")


async def test_nothing_said_is_lost_when_the_line_is_cut_in_the_middle(talker):
    ana = await talker()
    lines = []

    def cut(socket):
        server = socket.connect_to_server()
        lines.append(socket)
        socket.on_message(server.send)

    await ana.page.route_web_socket("**/api/v1/audio*", cut)
    await ana.press("Talk")
    await ana.until("streams() === 1")
    saying = asyncio.ensure_future(ana.says(COFFEE))
    await ana.page.locator(".voice-said").wait_for()
    await lines[0].close(code=1012)
    await saying
    await ana.press("Stop and transcribe")
    assert understood(COFFEE, await ana.composed()) >= 0.6


async def test_nothing_said_is_lost_when_the_gateway_is_killed_in_the_middle(talker, system):
    ana = await talker()
    await ana.press("Talk")
    await ana.until("streams() === 1")
    saying = asyncio.ensure_future(ana.says(COFFEE))
    await ana.page.locator(".voice-said").wait_for()
    system.signal("gateway-1", signal.SIGKILL)
    await saying
    await ana.press("Stop and transcribe")
    assert understood(COFFEE, await ana.composed()) >= 0.6


async def test_what_can_not_be_understood_now_is_kept_and_tried_again(talker):
    ana = await talker()
    refusal = '{"error": {"code": "unavailable", "message": "Nobody listens."}}'
    await ana.page.route("**/api/v1/voice-upload*", lambda route: route.fulfill(status=500, body=refusal))
    await ana.page.route_web_socket("**/api/v1/audio*", lambda socket: socket.close())
    await ana.press("Talk")
    await ana.until("streams() === 1")
    await ana.says(COFFEE)
    await ana.press("Stop and transcribe")
    await ana.page.get_by_text("Speech is not available on this server right now.").wait_for()
    await ana.page.unroute("**/api/v1/voice-upload*")
    await ana.press("Try again")
    assert understood(COFFEE, await ana.composed()) >= 0.6


async def test_who_opens_another_conversation_while_talking_is_heard_to_the_end(talker):
    ana = await talker()
    await ana.say("count to 3")
    await ana.ended()
    await ana.press("Talk")
    await ana.until("streams() === 1")
    saying = asyncio.ensure_future(ana.says(COFFEE))
    await ana.page.locator(".voice-said").wait_for()
    await ana.page.keyboard.press("Control+Shift+O")
    await ana.page.get_by_text("What is on your mind?").wait_for()
    await saying
    await ana.press("Stop and transcribe")
    assert understood(COFFEE, await ana.composed()) >= 0.6
    await ana.until("streams() === 0")


async def test_the_language_of_the_page_is_what_is_understood_and_spoken(talker):
    ana = await talker(locale="de-DE")
    lines = []
    ana.page.on("websocket", lambda socket: lines.append(socket.url))
    await ana.press("Sprechen")
    await ana.until("streams() === 1")
    await ana.page.locator(".voice").get_by_text("Hört zu … (versteht nur Englisch)").wait_for()
    await ana.press("Aufnahme verwerfen")
    assert [re.search("language=(..)", line)[1] for line in lines if "/audio" in line] == ["de"]
    await ana.say("/echo Guten Morgen allerseits.")
    await ana.ended()
    await ana.page.locator(".message.assistant").hover()
    await ana.press("Vorlesen")
    await ana.hears()
    asked = await ana.page.evaluate("asked[0]")
    assert (asked["text"], asked["language"]) == ("Guten Morgen allerseits.", "de")


@pytest.mark.parametrize("button", ["Talk", "Hands-free"])
async def test_what_a_browser_can_not_do_is_a_sentence(talker, button):
    ana = await talker()
    sentences = {
        "NotAllowedError": "The microphone was not allowed.",
        "NotFoundError": "No microphone was found.",
        "NotReadableError": "another program may have it",
    }
    for name, sentence in sentences.items():
        await ana.page.evaluate(
            "name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', name)); }", name
        )
        await ana.press(button)
        await ana.shown("trouble").get_by_text(sentence).wait_for()
    await ana.page.reload()
    await ana.page.wait_for_selector("[data-connection=live]", state="attached")
    await ana.page.evaluate("MediaRecorder.isTypeSupported = () => false")
    await ana.press(button)
    await ana.shown("trouble").get_by_text("a format that the server can't read").wait_for()
    await ana.until("streams() === 0")
    await ana.press("Close")
    await expect(ana.page.locator(".voice")).to_have_count(0)


# --- hands-free -------------------------------------------------------------------------------------------------------------


async def test_hands_free_sends_at_the_end_of_a_sentence_and_the_answer_is_heard(speaker_at_the_device):
    ana = speaker_at_the_device
    await ana.press("Hands-free")
    (said,) = await ana.asked()
    assert understood(COFFEE, said) >= 0.6
    await ana.hears()
    await ana.until("sounds.some((sound) => sound.kind === 'ended' && sound.time > 0.3)")
    answer = await ana.ended()
    assert (await ana.page.evaluate("asked[0].text"))[:15] in answer
    await ana.shown("listening").wait_for()
    await ana.press("End hands-free")
    await expect(ana.page.locator(".voice")).to_have_count(0)
    assert ana.complaints == []


async def test_it_reads_while_the_answer_is_still_written_and_each_sentence_once(talker, system):
    ana = await talker()
    await ana.hands_free()
    sentences = " ".join(f"This is sentence {number}." for number in range(1, 41))
    await ana.say(f"/echo Look:\n```\nno = code\n```\n{sentences}")
    await ana.hears()
    assert await ana.page.locator(".message.assistant[data-status=completed]").count() == 0
    # A new line and a worker that begins again tell everything again.
    await ana.page.context.set_offline(True)
    await ana.page.context.set_offline(False)
    for worker in ("inference-1", "inference-2"):
        system.signal(worker, signal.SIGKILL)
    await ana.ended()
    await ana.shown("speaking").get_by_label("Stop reading").click()
    asked = " ".join(one["text"] for one in await ana.page.evaluate("asked"))
    assert asked.startswith("Look: This is sentence 1.")
    assert "code" not in asked
    numbers = [int(number) for number in re.findall(r"\d+", asked)]
    assert numbers == list(range(1, len(numbers) + 1))
    await ana.shown("listening").wait_for()


async def test_who_speaks_over_the_answer_silences_it_and_is_answered_next(talker, system):
    ana = await talker()
    await ana.hands_free()
    await ana.say("count to 4000")
    await ana.hears()
    saying = asyncio.ensure_future(ana.says(COFFEE))
    await ana.until("window.spokenAt && sounds.some(({ kind, at }) => kind === 'pause' && at > spokenAt)")
    silent = await ana.page.evaluate("sounds.find(({ kind, at }) => kind === 'pause' && at > spokenAt).at - spokenAt")
    # Half a second of it is the quiet before the first word.
    assert 400 < silent < 3_000
    await saying
    first, second = await ana.asked(2)
    assert (first, understood(COFFEE, second) >= 0.6) == ("count to 4000", True)
    assert "4000" not in await ana.ended(1, status="cancelled")
    await ana.until("/[a-z]/i.test(asked.at(-1).text)")
    async with system.client(ana.user) as client:
        messages = await client.messages(await ana.conversation())
    assert [(one["role"], one["channel"]) for one in messages if one["role"] == "user"][-1] == ("user", "voice")


async def test_a_noise_without_a_word_lets_the_answer_go_on(talker):
    ana = await talker()
    await ana.hands_free()
    await ana.page.route_web_socket("**/api/v1/audio*", _nothing_heard)
    await ana.say("count to 60")
    await ana.hears()
    await ana.says("hm")
    await ana.until("sounds.some(({ kind, at }) => kind === 'pause' && at > spokenAt)")
    await ana.until("sounds.some(({ kind, at }) => kind === 'playing' && at > spokenAt)")
    await expect(ana.page.locator(".message.user")).to_have_count(1)
    assert (await ana.ended()).endswith("60")


def _nothing_heard(socket):
    def take(message):
        if message == json.dumps({"type": "end"}, separators=(",", ":")):
            socket.send('{"type": "transcript.completed", "text": ""}')

    socket.on_message(take)


async def test_stop_silences_the_answer_and_escape_ends_hands_free(talker):
    ana = await talker()
    await ana.hands_free()
    await ana.say("count to 4000")
    await ana.hears()
    await ana.press("Stop")
    await ana.until("voice.paused")
    await ana.ended(1, status="cancelled")
    await ana.shown("listening").wait_for()
    await ana.page.locator(".scroller").focus()
    await ana.page.keyboard.press("Escape")
    await ana.until("streams() === 0")


async def test_who_opens_another_conversation_hears_no_more_of_this_one_and_is_answered_where_they_began(talker, system):
    ana = await talker()
    await ana.hands_free()
    await ana.say("count to 4000")
    await ana.hears()
    saying = asyncio.ensure_future(ana.says(COFFEE))
    await ana.page.locator(".voice-said").wait_for()
    conversation = await ana.conversation()
    await ana.page.keyboard.press("Control+Shift+O")
    await ana.page.get_by_text("What is on your mind?").wait_for()
    await expect(ana.shown("speaking")).to_have_count(0)
    await saying
    await ana.page.locator(".item", has_text="count to 4000").click()
    await ana.asked(2)
    async with system.client(ana.user) as client:
        texts = [one["text"] for one in await client.messages(conversation) if one["role"] == "user"]
    assert understood(COFFEE, texts[1]) >= 0.6
    assert await ana.page.locator(".item").count() == 1


async def test_one_of_two_tabs_is_hands_free(talker):
    first = await talker()
    second = await talker(context=first.page.context)
    await first.hands_free()
    await second.hands_free()
    await first.shown("trouble").get_by_text("Hands-free goes on in another tab.").wait_for()
    await first.until("streams() === 0")
    await second.says(COFFEE)
    await second.hears()
    assert await first.page.evaluate("sounds.length") == 0
    assert len(await second.asked()) == 1


async def test_a_page_that_nobody_looks_at_does_not_listen_and_keeps_the_half_sentence(talker):
    ana = await talker()
    await ana.hands_free()
    saying = asyncio.ensure_future(ana.says(COFFEE))
    await ana.page.locator(".voice-said").wait_for()
    await ana.page.evaluate(
        "Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    await ana.composed()
    await ana.until("streams() === 0")
    await saying
    await ana.page.evaluate("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")
    await ana.until("streams() === 1")
    await expect(ana.page.locator(".message")).to_have_count(0)


async def test_where_the_server_can_not_speak_the_browser_reads_and_where_it_can_not_hear_is_a_sentence(
    tmp_path_factory, talker, built
):
    with running(tmp_path_factory.mktemp("mute"), TRANSCRIBE_SPEECH_ENGINE="none") as mute:
        ana = await talker(base=mute.url)
        await ana.page.evaluate(
            "() => { window.said = []; speechSynthesis.speak = (one) => { said.push(one.text); one.onstart(); one.onend(); } }"
        )
        await ana.say("/echo Good morning to you.")
        await ana.ended()
        await ana.page.locator(".message.assistant").hover()
        await ana.press("Read aloud")
        await ana.until("said.length === 1")
        assert await ana.page.evaluate("said[0]") == "Good morning to you."
        assert await ana.page.evaluate("asked.length") == 0
        mute.signal("transcribe-1", signal.SIGSTOP)
        await ana.press("Talk")
        await ana.until("streams() === 1")
        await ana.says(COFFEE)
        await ana.press("Stop and transcribe")
        await ana.page.get_by_text("Speech is not available on this server right now.").wait_for()
        mute.signal("transcribe-1", signal.SIGCONT)
        await ana.press("Try again")
        assert understood(COFFEE, await ana.composed()) >= 0.6


async def test_the_end_of_the_conversation_stays_in_view_when_the_strip_comes(talker):
    ana = await talker()
    await ana.say("/demo markdown")
    await ana.ended()
    await ana.hands_free()
    left = "(() => { const e = document.querySelector('.scroller'); return e.scrollHeight - e.clientHeight - e.scrollTop; })()"
    assert await ana.page.evaluate("document.querySelector('.scroller').scrollTop") > 0
    await ana.until(f"{left} < 2")


async def test_what_was_said_first_is_sent_first_however_late_it_is_understood(talker):
    ana = await talker()
    ended = []

    def understand(socket):
        def take(message):
            if message != '{"type":"end"}':
                return
            ended.append(socket)
            if len(ended) == 2:
                for place, one in reversed(list(enumerate(ended))):
                    one.send(json.dumps({"type": "transcript.completed", "text": ("count to 3", "count to 4")[place]}))

        socket.on_message(take)

    await ana.page.route_web_socket("**/api/v1/audio*", understand)
    await ana.hands_free()
    for _ in range(2):
        await ana.says("good morning", 1.5)
    assert await ana.asked(2) == ["count to 3", "count to 4"]
