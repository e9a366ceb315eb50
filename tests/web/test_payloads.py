"""Whatever a model says, no script runs and no request leaves."""

from urllib.parse import urlsplit

from payloads import payloads
from support.history import conversation_with

FORBIDDEN = (
    "script, img, iframe, object, embed, form, link, style, base, meta, video, audio, picture, portal, template, "
    "[onerror], [onload], [onfocus], [ontoggle], [onclick], [ping], "
    "a:not([href^='https:']):not([href^='http:']):not([href^='mailto:'])"
)


async def test_two_hundred_payloads_run_no_script_and_make_no_request(system, device):
    ana = await device()
    said = payloads()
    assert len(said) == 200
    turns = [text for answer in ["\n\n".join(said[at : at + 4]) for at in range(0, 200, 4)] for text in ("say it", answer)]
    conversation = await conversation_with(system, ana.user, turns)
    foreign, dialogs = [], []
    ana.page.on("request", lambda request: foreign.append(request.url) if urlsplit(request.url).port != system.port else None)
    ana.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await ana.open(conversation)
    await ana.page.locator(".message.assistant", has_text="1, 2").wait_for()
    seen = set()
    view = ana.page.locator(".scroller")
    for _ in range(200):
        shown = await ana.page.evaluate("[...document.querySelectorAll('.message.assistant')].map(e => e.dataset.message)")
        seen.update(shown)
        assert await ana.page.locator(".markdown").locator(FORBIDDEN).count() == 0
        if (
            await view.evaluate("e => e.scrollTop <= 0 || !(e.scrollTop -= e.clientHeight * .8, e.scrollTop > 0)")
            and len(seen) >= 51
        ):
            break
        await ana.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert len(seen) == 51
    await ana.page.evaluate("new Promise(done => requestIdleCallback(done))")
    assert await ana.page.evaluate("window.hit") is None
    assert (foreign, dialogs) == ([], [])
