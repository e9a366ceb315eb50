"""What the page withstands: every screen shows what is stored, whatever is lost on the way."""

import asyncio
import signal

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
