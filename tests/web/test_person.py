"""What is known of a person, on two devices at once; conversations found, renamed, deleted; voice that is refused."""

from playwright.async_api import expect


async def test_m088_a_task_is_there_at_once_and_on_the_other_device_too(system, device):
    first, second = [await (await device()).open() for _ in range(2)]
    for each in (first, second):
        await each.page.click("button[aria-label='Show side panel']")
    await first.page.fill("[aria-label='Add a task']", "Buy bread")
    await first.page.press("[aria-label='Add a task']", "Enter")
    await first.page.get_by_text("Buy bread").wait_for()
    await second.page.get_by_label("Done: Buy bread").click()
    await expect(first.page.locator(".thing.completed")).to_have_count(1)
    async with system.client(first.user) as client:
        tasks = (await client.call("GET", "/api/v1/tasks"))["tasks"]
    assert [(task["title"], task["status"]) for task in tasks] == [("Buy bread", "completed")]


async def test_a_change_that_is_refused_is_taken_back_with_the_reason(device):
    ana = await (await device()).open()
    await ana.page.click("button[aria-label='Show side panel']")
    refusal = '{"error": {"code": "limit_reached", "message": "There are too many tasks."}}'
    await ana.page.route("**/api/v1/tasks*", lambda route: route.fulfill(status=409, body=refusal))
    await ana.page.fill("[aria-label='Add a task']", "One too many")
    await ana.page.press("[aria-label='Add a task']", "Enter")
    await ana.page.get_by_text("There are too many tasks.").wait_for()
    await expect(ana.page.get_by_text("One too many")).to_have_count(0)


async def test_a_conversation_is_found_renamed_and_deleted_everywhere(device):
    first, second = [await (await device()).open() for _ in range(2)]
    await first.say("/echo marmalade")
    await first.ended()
    await first.page.locator(".item.current").hover()
    await first.page.locator(".item.current .icon-button").first.click()
    await first.page.fill("input[aria-label=Rename]", "Breakfast")
    await first.page.press("input[aria-label=Rename]", "Enter")
    await second.page.get_by_role("button", name="Breakfast", exact=True).wait_for()
    await second.page.keyboard.press("Control+k")
    await second.page.get_by_label("Search everything you said").fill("marmalade")
    await second.page.locator(".hit").first.click()
    await second.page.locator(".message.assistant", has_text="marmalade").wait_for()
    await first.page.locator(".item.current").hover()
    await first.page.locator(".item.current .icon-button").last.click()
    await first.page.locator("dialog .danger").click()
    await expect(second.page.get_by_role("button", name="Breakfast", exact=True)).to_have_count(0)
    await second.page.get_by_text("What is on your mind?").wait_for()
    await second.page.get_by_text("This conversation does not exist, or no longer.").wait_for()


async def test_n06_an_edit_is_a_branch_beside_the_old_one_on_every_device(device):
    first = await (await device()).open()
    await first.say("count to 3")
    await first.ended()
    second = await (await device()).open(await first.conversation())
    await first.page.locator(".message.user").hover()
    await first.page.locator(".message.user button[aria-label=Edit]").click()
    await first.page.fill(".editor-input", "count to 5")
    await first.page.locator(".editor .primary").click()
    await second.page.get_by_text("1, 2, 3, 4, 5").wait_for()
    await second.page.locator(".message.user button[aria-label='Previous version']").click()
    await expect(first.page.locator(".message.assistant .markdown")).to_have_text("1, 2, 3")


async def test_a_temporary_chat_appears_in_no_list(device):
    ana = await (await device()).open()
    await ana.page.click("button[aria-label='Temporary chat']")
    await ana.say("count to 3")
    assert await ana.ended() == "1, 2, 3"
    await expect(ana.page.locator(".item")).to_have_count(0)


async def test_a_microphone_that_is_refused_is_a_sentence(device):
    ana = await (await device(permissions=[])).open()
    await ana.page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError')); }"
    )
    await ana.page.click("button[aria-label=Talk]")
    await ana.page.get_by_text("The microphone was not allowed.").wait_for()
    await ana.page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotFoundError')); }"
    )
    await ana.page.click("button[aria-label=Talk]")
    await ana.page.get_by_text("No microphone was found.").wait_for()


async def test_what_was_heard_is_reviewed_before_it_is_sent(device):
    ana = await (await device(permissions=["microphone"])).open()

    def answer(socket):
        def take(message):
            socket.send('{"type": "transcript.partial", "text": "count"}')
            if message == '{"type":"end"}':
                socket.send('{"type": "transcript.completed", "text": "count to four"}')

        socket.on_message(take)

    await ana.page.route_web_socket("**/api/v1/audio*", answer)
    await ana.page.click("button[aria-label=Talk]")
    await ana.page.locator(".voice-line", has_text="count").wait_for()
    await ana.page.click("button[aria-label='Stop and transcribe']")
    await expect(ana.page.locator("#composer")).to_have_value("count to four")
    await expect(ana.page.locator(".message")).to_have_count(0)


async def test_everything_is_there_by_keyboard(device):
    ana = await (await device()).open()
    await ana.page.locator(".scroller").focus()
    await ana.page.keyboard.press("?")
    await ana.page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    await ana.page.keyboard.press("Escape")
    await ana.page.keyboard.press("Control+Shift+E")
    await ana.page.get_by_role("dialog", name="Debug").wait_for()
