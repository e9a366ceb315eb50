"""Signing in as people do: with a real OpenID provider, whose sessions are short, and with a token. In real browsers."""

import re

import pytest
from conftest import SETTINGS, WAIT, Device
from playwright.async_api import expect
from support.openid import provider, until
from support.system import free_port, running

from colloquy.bearer import mint
from gateway.settings import GatewaySettings

SECONDS = 7
"""An id token lives so long: less than an answer takes."""
SECRET = "0123456789abcdef0123456789abcdef"
NUMBERS = ", ".join(map(str, range(1, 401)))
SESSION, RENEWAL = "__Host-colloquy", "__Host-colloquy-refresh"
JWT = {"GATEWAY_AUTH": "jwt", "GATEWAY_JWT_SECRET": SECRET, "GATEWAY_JWT_LEEWAY": "0", "GATEWAY_JWKS_COOLDOWN": "1"}
OFFLINE = {"GATEWAY_OIDC_SCOPES": "openid profile offline_access", "GATEWAY_OIDC_PARAMETERS": "prompt=consent"}


@pytest.fixture(scope="module")
def openid(tmp_path_factory):
    with provider(tmp_path_factory.mktemp("provider"), seconds=SECONDS) as service:
        yield service


def signing_in(folder, openid, **client):
    """A system whose people sign in there. Browsers keep its cookies for localhost over plain HTTP too."""
    port = free_port()
    identity, secret = openid.register(f"http://localhost:{port}", **client)
    own = {"GATEWAY_OIDC_ISSUER": openid.issuer, "GATEWAY_OIDC_CLIENT_ID": identity, "GATEWAY_OIDC_CLIENT_SECRET": secret or ""}
    return running(folder, port=port, **SETTINGS, **JWT, **OFFLINE, **own)


@pytest.fixture(scope="module")
def system(tmp_path_factory, built, openid):
    with signing_in(tmp_path_factory.mktemp("signing-in"), openid) as whole:
        yield whole


class Person(Device):
    """A device on which somebody signs in."""

    async def open(self, place=""):
        await self.page.goto(f"{self.base}/{place}")
        return self

    async def signs_in(self, *, agrees=True):
        await self.page.get_by_role("button", name="Continue with 127.0.0.1").click()
        await self.page.fill("input[name=login]", self.user)
        await self.page.fill("input[name=password]", "any")
        await self.page.click("button[type=submit]")
        await self.answers_the_question(agrees=agrees)

    async def answers_the_question(self, *, agrees=True):
        role, name = ("button", "Continue") if agrees else ("link", "Cancel")
        await self.page.get_by_role(role, name=name).click()
        await expect(self.page).to_have_url(re.compile(re.escape(self.base)), timeout=WAIT)
        if agrees:
            await self.is_live()

    async def is_live(self):
        await self.page.wait_for_selector("[data-connection=live]", state="attached")

    async def stored(self):
        """The text of the newest message of the open conversation, as the server has it."""
        path = f"/api/v1/conversations/{await self.conversation()}/messages"
        found = await self.page.evaluate("async (path) => await (await fetch(path)).json()", path)
        return found["messages"][-1]["text"]

    async def cookies(self):
        return {each["name"]: each for each in await self.page.context.cookies(self.base)}


@pytest.fixture
async def person(browser, system):
    async def another(name="ana", *, base=None, context=None):
        place = context or await browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
        place.set_default_timeout(WAIT)
        return Person(await place.new_page(), base or f"http://localhost:{system.port}", name)

    return another


async def test_a_session_ends_in_the_middle_of_an_answer_and_nobody_notices(person, openid):
    ana = await (await person()).open()
    await ana.signs_in()
    assert ana.page.url == f"{ana.base}/"
    kept = await ana.cookies()
    for name in (SESSION, RENEWAL):
        assert (kept[name]["httpOnly"], kept[name]["secure"], kept[name]["sameSite"]) == (True, True, "Strict")
    await ana.say("count to 400")
    await ana.answer_begins()
    tab = await (await person(context=ana.page.context)).open(f"#/c/{await ana.conversation()}")
    before = openid.grants()
    await until(lambda: openid.grants() > before)
    assert await ana.ended() == await tab.ended() == NUMBERS
    assert await ana.stored() == NUMBERS
    # Both tabs are open when it ends once more: one refresh token, spent once.
    before = openid.grants()
    await until(lambda: openid.grants() >= before + 2)
    await tab.say("count to 5")
    assert await tab.ended(2) == await ana.ended(2) == "1, 2, 3, 4, 5"
    assert openid.refused() == []
    assert ana.complaints == tab.complaints == []


async def test_who_signs_out_is_out_in_every_tab_and_at_the_provider(person):
    ana = await (await person()).open()
    await ana.signs_in()
    tab = await (await person(context=ana.page.context)).open()
    await tab.is_live()
    await ana.page.click("button[aria-label=Settings]")
    await ana.page.get_by_text("Signed in as ana").wait_for()
    await ana.page.get_by_role("button", name="Sign out").click()
    await ana.page.get_by_role("button", name="Yes, sign me out").click()
    await expect(ana.page).to_have_url(f"{ana.base}/", timeout=WAIT)
    await tab.page.get_by_role("button", name="Continue with").wait_for()
    assert await ana.cookies() == {}
    await ana.page.get_by_role("button", name="Continue with").click()
    await ana.page.wait_for_selector("input[name=login]")


async def test_when_nothing_can_renew_it_one_click_comes_back_to_the_same_place(person):
    ana = await (await person()).open()
    await ana.signs_in()
    await ana.say("count to 3")
    await ana.ended()
    conversation = await ana.conversation()
    await ana.page.fill("#composer", "half a thought")
    await ana.page.context.clear_cookies(name=RENEWAL)
    await ana.page.get_by_role("heading", name="Your session has ended").wait_for()
    assert await ana.page.input_value("#composer") == "half a thought"
    await ana.page.get_by_role("button", name="Sign in again").click()
    await ana.answers_the_question()  # the provider still knows who it is
    assert await ana.ended() == "1, 2, 3"
    assert ana.page.url == f"{ana.base}/#/c/{conversation}"
    assert await ana.page.input_value("#composer") == "half a thought"


async def test_who_says_no_reads_a_sentence_and_may_try_again(person):
    ana = await (await person()).open()
    await ana.signs_in(agrees=False)
    await ana.page.get_by_text("You were not signed in").wait_for()
    assert ana.page.url == f"{ana.base}/"
    await ana.page.reload()
    await ana.page.get_by_role("button", name="Continue with").wait_for()
    await expect(ana.page.get_by_text("You were not signed in")).to_have_count(0)


async def test_a_provider_that_is_down_costs_nobody_their_session(person, openid):
    ana = await (await person()).open()
    await ana.signs_in()
    await ana.say("count to 400")
    await ana.answer_begins()
    openid.order("down")
    try:
        await ana.page.get_by_text("Connection lost").wait_for()
    finally:
        openid.order("up")
    assert await ana.ended() == NUMBERS == await ana.stored()


async def test_a_public_client_signs_in_and_is_renewed_too(person, openid, tmp_path):
    with signing_in(tmp_path / "public", openid, token_endpoint_auth_method="none") as system:
        ana = await (await person(base=f"http://localhost:{system.port}")).open()
        await ana.signs_in()
        before = openid.grants()
        await until(lambda: openid.grants() > before)
        await ana.say("count to 5")
        assert await ana.ended() == "1, 2, 3, 4, 5"


async def test_a_pasted_token_becomes_a_cookie_that_a_refresh_keeps(person):
    ana = await (await person()).open()
    await ana.page.get_by_text("Use a token").click()
    await ana.page.get_by_label("Token").fill("not a token")
    await ana.page.get_by_role("button", name="Sign in", exact=True).click()
    await ana.page.get_by_text("That did not work").wait_for()
    await ana.page.get_by_label("Token").fill(mint("bob", 600, GatewaySettings(jwt_secret=SECRET)))
    await ana.page.get_by_role("button", name="Sign in", exact=True).click()
    await ana.is_live()
    assert set(await ana.cookies()) == {SESSION}
    await ana.say("count to 3")
    assert await ana.ended() == "1, 2, 3"
    await ana.page.reload()
    assert await ana.ended() == "1, 2, 3"
