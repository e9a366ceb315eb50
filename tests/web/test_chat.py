"""Talking on the page, in real Chromium."""

from playwright.async_api import expect

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


async def choose(device, name, content):
    async with device.page.expect_file_chooser() as chosen:
        await device.page.click("button[aria-label='Attach a text file']")
    await (await chosen.value).set_files({"name": name, "mimeType": "", "buffer": content})


async def test_n13_a_text_file_goes_along_and_another_kind_is_a_sentence(system, device):
    ana = await (await device()).open()
    await choose(ana, "list.csv", b"a,b\n1,2\n")
    await ana.page.locator(".composer .file", has_text="list.csv").wait_for()
    await choose(ana, "picture.png", b"\x89PNG\x00\xff")
    await ana.page.get_by_text("picture.png is not a text file.").wait_for()
    await ana.say("count to 3")
    assert await ana.ended() == "1, 2, 3"
    await ana.page.locator(".message.user .file", has_text="list.csv").wait_for()
    async with system.client(ana.user) as client:
        asked = (await client.messages(await ana.conversation()))[0]
    assert [(file["name"], file["text"]) for file in asked["attachments"]] == [("list.csv", "a,b\n1,2\n")]
    assert ana.complaints == []


async def test_an_edit_of_what_is_being_answered_stops_that_answer(device):
    ana = await (await device()).open()
    await ana.say("count to 2000")
    await ana.answer_begins()
    await ana.page.locator(".message.user").hover()
    await ana.page.locator(".message.user button[aria-label=Edit]").click()
    await ana.page.fill(".editor-input", "count to 4")
    await ana.page.locator(".editor .primary").click()
    assert await ana.ended() == "1, 2, 3, 4"


async def test_a_message_that_is_refused_stays_where_it_was_written(device):
    ana = await (await device()).open()
    await ana.say("x" * 40_000)
    await ana.page.get_by_text("The text is too long.").wait_for()
    await ana.say("count to 3")
    assert await ana.ended() == "1, 2, 3"
    await expect(ana.page.locator(".message.user")).to_have_count(1)
    await ana.page.click(".new-chat")
    await ana.page.get_by_role("button", name="Discard").click()
    await ana.page.get_by_text("What is on your mind?").wait_for()


async def test_an_hour_is_meant_where_the_person_is(system, device):
    ana = await (await device(timezone_id="Asia/Tokyo")).open()
    await ana.page.get_by_role("button", name="Remind me to call Ana tomorrow at 9").click()
    await ana.page.press("#composer", "Enter")
    assert "09:00 (Asia/Tokyo)" in await ana.ended()
    async with system.client(ana.user) as client:
        assert (await client.call("GET", "/api/v1/preferences"))["timezone"] == "Asia/Tokyo"
        assert (await client.call("GET", "/api/v1/tasks"))["tasks"][0]["due"].endswith("T00:00:00Z")
