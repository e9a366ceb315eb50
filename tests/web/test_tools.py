"""Tools as a person sees them: cards, flights, and leave that is given from another device."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import expect


async def test_m086_what_an_answer_does_is_a_card_and_can_be_done_there(system, device):
    ana = await (await device()).open()
    await ana.say("remind me to buy an umbrella tomorrow")
    card = ana.page.locator(".card.done", has_text="umbrella")
    await card.locator(".tick").click()
    await expect(card.locator(".tick")).to_be_checked()
    async with system.client(ana.user) as client:
        await expect(ana.page.locator(".message.assistant[data-status=completed]")).to_have_count(1)
        tasks = (await client.call("GET", "/api/v1/tasks"))["tasks"]
    assert [task["status"] for task in tasks] == ["completed"]


async def test_n10_leave_that_is_asked_for_on_one_device_is_given_on_another(device):
    first = await (await device()).open()
    soon = (datetime.now(UTC) + timedelta(days=12)).date().isoformat()
    await first.say(f"find flights to Paris from Berlin on {soon}")
    await first.page.locator(".flight").first.wait_for()
    await first.ended()
    text = await first.page.locator(".message.assistant .markdown li").first.inner_text()
    flight = next(word for word in text.replace(",", " ").split() if word.count("-") >= 3)
    await first.say(f"book flight {flight} for Ana Silva")
    await first.page.locator(".approval").wait_for()
    await first.page.reload()
    await expect(first.page.locator(".tool.waiting + .approval")).to_have_count(1)
    second = await (await device()).open(await first.conversation())
    await second.page.locator(".approval", has_text="Ana Silva").wait_for()
    await second.page.locator(".approval").get_by_role("button", name="Allow", exact=True).click()
    await first.page.get_by_text("is booked for Ana Silva").wait_for()
    await expect(first.page.locator(".approval")).to_have_count(0)
