"""Talking on the page, in real Chromium."""

NUMBERS = ", ".join(map(str, range(1, 601)))


async def test_an_answer_is_shown_as_it_is_stored_and_a_refresh_in_its_middle_goes_on(system, device):
    ana = await (await device()).open()
    await ana.say("count to 600")
    await ana.answer_begins()
    conversation = await ana.conversation()
    await ana.page.reload()
    await ana.answer_begins()
    assert await ana.page.locator(".message.assistant").get_attribute("data-status") == "streaming"
    assert await ana.ended() == NUMBERS
    async with system.client(ana.user) as client:
        assert (await client.messages(conversation))[-1]["text"] == NUMBERS
    assert ana.complaints == []


async def test_stop_from_another_device_stops_it_on_both(device):
    first = await (await device()).open()
    await first.say("count to 2000")
    await first.answer_begins()
    second = await (await device()).open(await first.conversation())
    await second.page.click("button[aria-label=Stop]")
    assert await second.ended(status="cancelled") == await first.ended(status="cancelled")


async def test_n05_what_is_sent_while_an_answer_runs_waits_and_says_so(device):
    ana = await (await device()).open()
    await ana.say("count to 120")
    await ana.answer_begins()
    await ana.say("count to 3")
    await ana.page.get_by_text("Waiting: 1 before this one").wait_for()
    assert await ana.ended(2) == "1, 2, 3"


async def test_an_hour_is_meant_where_the_person_is(system, device):
    ana = await (await device(timezone_id="Asia/Tokyo")).open()
    await ana.page.get_by_role("button", name="Remind me to call Ana tomorrow at 9").click()
    await ana.page.press("#composer", "Enter")
    assert "09:00 (Asia/Tokyo)" in await ana.ended()
    async with system.client(ana.user) as client:
        assert (await client.call("GET", "/api/v1/preferences"))["timezone"] == "Asia/Tokyo"
        assert (await client.call("GET", "/api/v1/tasks"))["tasks"][0]["due"].endswith("T00:00:00Z")
