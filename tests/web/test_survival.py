"""What the page withstands: every screen shows what is stored, whatever is lost on the way."""

import asyncio
import signal

import pytest
from playwright.async_api import expect

NUMBERS = ", ".join(map(str, range(1, 401)))
FRAMES = "new Promise((go) => { let left = 30; const next = () => (left-- ? requestAnimationFrame(next) : go()); next(); })"


async def stored(system, device, conversation):
    async with system.client(device.user) as client:
        return (await client.messages(conversation))[-1]["text"]


async def test_two_tabs_and_a_second_browser_show_what_is_stored_though_gateway_and_worker_are_killed(system, device):
    first = await (await device()).open()
    await first.say("count to 400")
    await first.answer_begins()
    conversation = await first.conversation()
    tab = await (await device(context=first.page.context)).open(conversation)
    other = await (await device()).open(conversation)
    for worker in ("inference-1", "inference-2"):
        system.signal(worker, signal.SIGKILL)
    system.signal("gateway-1", signal.SIGKILL)
    screens = await asyncio.gather(first.ended(), tab.ended(), other.ended())
    assert screens == [await stored(system, first, conversation)] * 3 == [NUMBERS] * 3


async def test_offline_and_online_again_loses_and_doubles_nothing(system, device):
    ana = await (await device()).open()
    await ana.say("count to 400")
    await ana.answer_begins()
    await ana.page.context.set_offline(True)
    await ana.page.locator("[data-connection=offline]").wait_for(state="attached")
    await ana.say("count to 4")
    await ana.page.locator(".message.user.sending").wait_for()
    before = len(await ana.shown())
    await ana.page.evaluate(FRAMES)
    assert len(await ana.shown()) == before
    await ana.page.context.set_offline(False)
    assert await ana.ended(2) == "1, 2, 3, 4"
    texts = await ana.page.locator(".message.assistant .markdown").all_text_contents()
    assert texts == [NUMBERS, "1, 2, 3, 4"]


async def test_n03_who_did_not_see_what_another_device_wrote_is_shown_it_before_their_words_are_sent(system, device):
    ana = await (await device()).open()
    await ana.say("count to 3")
    await ana.ended()
    conversation = await ana.conversation()
    # A tab whose stream is dead without having noticed.
    await ana.page.route("**/api/v1/stream*", lambda route: route.abort())
    await ana.page.evaluate("dispatchEvent(new Event('online'))")
    await ana.page.locator("[data-connection=waiting]").wait_for(state="attached")
    async with system.client(ana.user) as client:
        await client.answer(await client.send("count to 5", conversationId=conversation))
    await ana.say("count to 7")
    await ana.page.get_by_text("that you had not seen").wait_for()
    await ana.page.locator(".message.user", has_text="count to 5").wait_for()
    await ana.page.unroute("**/api/v1/stream*")
    await ana.page.get_by_role("button", name="Send anyway").click()
    assert await ana.ended(3) == "1, 2, 3, 4, 5, 6, 7"


@pytest.mark.parametrize("before", [0, 1])
async def test_a_refresh_loses_neither_a_message_on_its_way_nor_what_was_being_written(system, device, before):
    ana = await (await device()).open()
    for _ in range(before):
        await ana.say("count to 3")
        await ana.ended()
    await ana.page.route("**/api/v1/message*", lambda route: route.abort())
    await ana.say("count to 6")
    await ana.page.locator(".message.user.sending").wait_for()
    await ana.page.fill("#composer", "half a thou")
    await ana.page.reload()
    await ana.page.locator(".message.user.sending", has_text="count to 6").wait_for()
    await expect(ana.page.locator("#composer")).to_have_value("half a thou")
    await ana.page.unroute("**/api/v1/message*")
    assert await ana.ended(before + 1) == "1, 2, 3, 4, 5, 6"
    await expect(ana.page.locator("#composer")).to_have_value("half a thou")
    await expect(ana.page.locator(".message.user")).to_have_count(before + 1)
    async with system.client(ana.user) as client:
        said = [message["text"] for message in await client.messages(await ana.conversation())]
    assert said == ["count to 3", "1, 2, 3"] * before + ["count to 6", "1, 2, 3, 4, 5, 6"]


async def test_a_message_whose_receipt_a_refresh_has_lost_is_there_once(system, device):
    ana = await (await device()).open()

    async def lose_the_answer(route):
        await route.fetch()
        await route.abort()

    await ana.page.route("**/api/v1/stream*", lambda route: route.abort())
    await ana.page.evaluate("dispatchEvent(new Event('online'))")
    await ana.page.locator("[data-connection=waiting]").wait_for(state="attached")
    await ana.page.route("**/api/v1/message*", lose_the_answer)
    await ana.page.fill("#composer", "count to 3")
    async with ana.page.expect_event("requestfailed", lambda request: "/api/v1/message" in request.url):
        await ana.page.press("#composer", "Enter")
    await ana.page.unroute_all()
    await ana.page.reload()
    assert await ana.ended() == "1, 2, 3"
    await expect(ana.page.locator(".message.user")).to_have_count(1)
    async with system.client(ana.user) as client:
        assert len(await client.messages(await ana.conversation())) == 2


async def test_what_is_being_written_waits_in_its_own_conversation(device):
    ana = await (await device()).open()
    await ana.say("count to 3")
    await ana.ended()
    await ana.page.fill("#composer", "for this one")
    await ana.page.click(".new-chat")
    await expect(ana.page.locator("#composer")).to_have_value("")
    await ana.page.fill("#composer", "for a new one")
    await ana.page.locator(".item-open").first.click()
    await expect(ana.page.locator("#composer")).to_have_value("for this one")
    await ana.page.click(".new-chat")
    await expect(ana.page.locator("#composer")).to_have_value("for a new one")


async def test_the_page_asks_for_the_state_once(device):
    ana = await device()
    asked = []
    ana.page.on("request", lambda request: asked.append(request.url) if "/api/v1/state" in request.url else None)
    await ana.open()
    await ana.say("count to 3")
    await ana.ended()
    assert len(asked) == 1


async def test_what_somebody_has_written_is_not_shown_to_who_comes_next(device):
    ana = await (await device()).open()
    await ana.page.fill("#composer", "for nobody else")
    bob = type(ana)(ana.page, ana.base, ana.user + "-bob")
    await bob.open()
    await expect(bob.page.locator("#composer")).to_have_value("")
    assert "for nobody else" not in await bob.page.evaluate("JSON.stringify(sessionStorage)")
