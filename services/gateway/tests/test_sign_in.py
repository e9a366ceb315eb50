"""Signing in with a real OpenID provider, step by step, and everything that may be wrong with a step (S8, S14, S20, S21)."""

import re
import time
from contextlib import nullcontext
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import jwt
import pytest
from support.openid import Visitor, provider, until

from gateway.faults import Misconfigured, SignInExpired
from gateway.settings import GatewaySettings
from gateway.sign_in import SECONDS, SignIn

PAGE = "http://localhost:4999"
SECRET = "0123456789abcdef0123456789abcdef"
LOGIN, CALLBACK, REFRESH, LOGOUT = (f"/api/v1/session/{step}" for step in ("login", "callback", "refresh", "logout"))
SIGN_IN, SESSION, RENEWAL = "__Host-colloquy-sign-in", "__Host-colloquy", "__Host-colloquy-refresh"
BROWSER = {"accept": "text/html,application/xhtml+xml"}
OFFLINE = {"oidc_scopes": "openid profile offline_access", "oidc_parameters": "prompt=consent"}


@pytest.fixture(scope="module")
def openid(tmp_path_factory):
    with provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="module")
def registered(openid):
    """A client of each kind: its id and secret."""
    kinds = {"basic": "client_secret_basic", "post": "client_secret_post", "public": "none"}
    return {kind: openid.register(PAGE, token_endpoint_auth_method=method) for kind, method in kinds.items()}


class Browser:
    """Keeps the cookies of our page, which httpx would not send over http."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.cookies: dict[str, str] = {}

    async def go(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = await self.client.request(method, path, headers={"cookie": kept, **headers})
        for line in response.headers.get_list("set-cookie"):
            pair, _, attributes = line.partition(";")
            name, _, value = pair.partition("=")
            assert {"Secure", "HttpOnly", "Path=/"} <= {each.strip() for each in attributes.split(";")}, line
            self.cookies[name] = value
            if "Max-Age=0" in attributes:
                del self.cookies[name]
        return response

    async def begin(self, back: str = "") -> str:
        """The address at the provider."""
        response = await self.go(f"{LOGIN}?{urlencode({'back': back})}")
        assert response.status_code == 303, response.text
        return response.headers["location"]

    async def come_back(self, address: str, **headers: str) -> httpx.Response:
        """Where the provider sends it."""
        assert address.startswith(PAGE + CALLBACK)
        return await self.go(address.removeprefix(PAGE), **headers)

    async def sign_in(self, back: str = "", name: str = "ana") -> httpx.Response:
        return await self.come_back(await Visitor(name).signs_in(await self.begin(back)))

    async def user(self) -> str | None:
        response = await self.go("/api/v1/state")
        return response.json()["userId"] if response.status_code == 200 else None

    async def refresh(self) -> httpx.Response:
        return await self.go(REFRESH, "POST", origin=str(self.client.base_url).rstrip("/"))


@pytest.fixture
async def start(run_gateway, openid, registered):
    """A browser at a gateway with this kind of client."""

    async def started(kind: str = "basic", **settings: Any) -> Browser:
        client_id, secret = registered[kind]
        chosen = {"oidc_issuer": openid.issuer, "oidc_client_id": client_id, "oidc_client_secret": secret, **settings}
        running = await run_gateway(auth="jwt", public_url=PAGE, **{k: v for k, v in chosen.items() if v is not None})
        return Browser(await running.client(None))

    return started


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def changed(address: str, **parameters: str | None) -> str:
    """An address with other parameters; None leaves one out."""
    parts = urlsplit(address)
    query = {**dict(parse_qsl(parts.query)), **parameters}
    return parts._replace(query=urlencode({name: text for name, text in query.items() if text is not None})).geturl()


@pytest.mark.parametrize("kind", ["basic", "post", "public"])
async def test_three_settings_are_enough_to_sign_in_with_every_kind_of_client(start, kind):
    browser = await start(kind)
    response = await browser.sign_in("#/c/c_1")
    assert (response.status_code, response.headers["location"]) == (303, "/#/c/c_1")
    assert response.headers["referrer-policy"] == "no-referrer"
    assert set(browser.cookies) == {SESSION}
    assert await browser.user() == "ana"


async def test_the_request_is_bound_to_the_browser_and_names_nothing_of_the_page(start):
    browser = await start()
    address = await browser.begin("#/c/c_secret")
    asked = dict(parse_qsl(urlsplit(address).query))
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == PAGE + CALLBACK
    assert "c_secret" not in address
    assert browser.cookies[SIGN_IN] not in address
    again = dict(parse_qsl(urlsplit(await browser.begin("#/c/c_secret")).query))
    assert not {asked[name] for name in ("state", "nonce", "code_challenge")} & set(again.values())


async def test_a_session_is_renewed_and_the_refresh_token_rotates(start, openid):
    browser = await start(**OFFLINE)
    await browser.sign_in()
    first = dict(browser.cookies)
    assert set(first) == {SESSION, RENEWAL}
    del browser.cookies[SESSION]
    assert await browser.user() is None
    renewed = await browser.refresh()
    assert renewed.json()["userId"] == "ana"
    assert 0 < renewed.json()["expiresIn"] <= 600
    assert browser.cookies[RENEWAL] != first[RENEWAL]
    assert await browser.user() == "ana"
    thief = Browser(browser.client)
    thief.cookies = {RENEWAL: first[RENEWAL]}
    assert code_of(await thief.refresh()) == (401, "unauthenticated")
    assert thief.cookies == {}
    assert code_of(await browser.refresh()) == (401, "unauthenticated"), "the provider has ended what was used twice"


async def test_any_gateway_serves_any_step(start):
    first, second = await start(**OFFLINE), await start(**OFFLINE)
    address = await Visitor().signs_in(await first.begin("#/c/c_1"))
    second.cookies = first.cookies
    assert (await second.come_back(address)).headers["location"] == "/#/c/c_1"
    assert (await first.refresh()).status_code == (await second.refresh()).status_code == 200
    assert await first.user() == await second.user() == "ana"


async def test_without_a_refresh_token_there_is_nothing_to_renew(start, openid):
    browser = await start()
    await browser.sign_in()
    before = openid.said()
    assert code_of(await browser.refresh()) == (401, "unauthenticated")
    assert openid.said() == before


async def test_s21_a_foreign_page_renews_and_ends_nothing(start):
    browser = await start(**OFFLINE)
    await browser.sign_in()
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {}):
        assert code_of(await browser.go(REFRESH, "POST", **headers)) == (403, "cross_origin")
    stranger = await Browser(browser.client).go(LOGOUT)
    assert (stranger.headers["location"], "set-cookie" in stranger.headers) == ("/", False)
    assert await browser.user() == "ana"


async def test_a_refresh_token_renews_nobody_elses_session(start):
    browser = await start(**OFFLINE)
    await browser.sign_in(name="ana")
    mark = browser.cookies[RENEWAL].partition(".")[0]
    await browser.sign_in(name="bob")
    browser.cookies[RENEWAL] = f"{mark}.{browser.cookies[RENEWAL].partition('.')[2]}"
    assert code_of(await browser.refresh()) == (401, "unauthenticated")


async def test_who_signs_out_is_signed_out_at_the_provider_too(start, openid):
    browser = await start(**OFFLINE)
    await browser.sign_in()
    kept = dict(browser.cookies)
    left = await browser.go(LOGOUT)
    assert left.headers["location"].startswith(openid.issuer + "/session/end?")
    asked = dict(parse_qsl(urlsplit(left.headers["location"]).query))
    assert (asked["post_logout_redirect_uri"], asked["id_token_hint"]) == (PAGE + "/", kept[SESSION])
    assert browser.cookies == {}
    await until(lambda: {"ended": "refresh_token"} in openid.said())
    browser.cookies = {RENEWAL: kept[RENEWAL]}
    assert code_of(await browser.refresh()) == (401, "unauthenticated"), "it was revoked"


async def test_the_old_way_of_signing_out_forgets_both_cookies(start):
    browser = await start(**OFFLINE)
    await browser.sign_in()
    assert (await browser.go("/api/v1/session", "DELETE")).status_code == 204
    assert browser.cookies == {}


async def test_a_pasted_token_is_not_shown_to_the_provider(start):
    browser = await start(jwt_secret=SECRET)
    claims = {"sub": "bob", "exp": time.time() + 600, "iss": "colloquy", "aud": "colloquy"}
    await browser.go("/api/v1/session", "POST", authorization="Bearer " + jwt.encode(claims, SECRET, "HS256"))
    assert await browser.user() == "bob"
    assert "id_token_hint" not in (await browser.go(LOGOUT)).headers["location"]


# --- what may be wrong ------------------------------------------------------------------------------------------------


async def test_who_says_no_at_the_provider_is_told_so(start):
    browser = await start()
    address = await Visitor().signs_in(await browser.begin("#/c/c_1"), cancels=True)
    assert "error=access_denied" in address
    assert code_of(await browser.come_back(address)) == (403, "sign_in_denied")
    shown = await browser.come_back(address, **BROWSER)
    assert shown.headers["location"] == "/?trouble=sign_in_denied#/c/c_1"


@pytest.mark.parametrize("state", [None, "", "x", "\u00e9", "gAAAA" * 30])
async def test_s21_a_state_that_was_not_sealed_here_opens_nothing(start, openid, state):
    browser = await start()
    address = await Visitor().signs_in(await browser.begin())
    grants = openid.grants("authorization_code")
    assert code_of(await browser.come_back(changed(address, state=state))) == (400, "sign_in_expired")
    shown = await browser.come_back(changed(address, state=state), **BROWSER)
    assert shown.headers["location"] == "/?trouble=sign_in_expired"
    assert (openid.grants("authorization_code"), SESSION in browser.cookies) == (grants, False)
    assert (await browser.come_back(address)).headers["location"] == "/", "its own state still counts"


async def test_s21_what_somebody_else_began_signs_nobody_in(start):
    browser = await start()
    attacker, victim = browser, Browser(browser.client)
    address = await Visitor("mallory").signs_in(await attacker.begin())
    assert code_of(await victim.come_back(address)) == (400, "sign_in_expired")
    await victim.begin()
    assert code_of(await victim.come_back(address)) == (400, "sign_in_expired")
    victim.cookies[SIGN_IN] = "tampered"
    assert code_of(await victim.come_back(address)) == (400, "sign_in_expired")
    assert SESSION not in victim.cookies


async def test_an_answer_counts_once(start):
    browser = await start()
    await browser.begin()
    address = await Visitor().signs_in(await browser.begin())
    key = browser.cookies[SIGN_IN]
    assert (await browser.come_back(address)).headers["location"] == "/"
    session = browser.cookies[SESSION]
    assert code_of(await browser.come_back(address)) == (400, "sign_in_expired")
    browser.cookies[SIGN_IN] = key
    assert code_of(await browser.come_back(address)) == (400, "sign_in_failed"), "the provider knows its codes"
    assert browser.cookies[SESSION] == session


async def test_two_tabs_may_sign_in_at_the_same_time(start):
    browser = await start()
    first, second = await browser.begin("#/c/c_1"), await browser.begin("#/c/c_2")
    for address, back in ((second, "/#/c/c_2"), (first, "/#/c/c_1")):
        key = browser.cookies[SIGN_IN]
        assert (await browser.come_back(await Visitor().signs_in(address))).headers["location"] == back
        browser.cookies[SIGN_IN] = key


async def test_who_takes_too_long_begins_again(start):
    browser = await start()
    state = dict(parse_qsl(urlsplit(await browser.begin("#/c/c_1")).query))["state"]
    for seconds, late in ((SECONDS - 5, False), (SECONDS + 2, True)):
        sign_in = SignIn(GatewaySettings(), None, None, now=lambda seconds=seconds: time.time() + seconds)
        with pytest.raises(SignInExpired) if late else nullcontext():
            assert sign_in.back_of(browser.cookies[SIGN_IN], state) == "#/c/c_1"


async def test_a_token_for_another_nonce_is_refused(start):
    browser = await start()
    address = await Visitor().signs_in(changed(await browser.begin(), nonce="another"))
    assert code_of(await browser.come_back(address)) == (400, "sign_in_failed")
    assert SESSION not in browser.cookies


async def test_another_verifier_gets_no_token(start, openid):
    browser = await start("public")
    address = await Visitor().signs_in(changed(await browser.begin(), code_challenge="A" * 43))
    assert code_of(await browser.come_back(address)) == (400, "sign_in_failed")
    assert "code_verifier" in str(openid.refused()[-1])


@pytest.mark.parametrize("issuer", ["https://evil.example", "", None])
async def test_rfc9207_an_answer_of_another_issuer_is_refused(start, openid, issuer):
    browser = await start()
    address = await Visitor().signs_in(await browser.begin())
    grants = openid.grants("authorization_code")
    assert code_of(await browser.come_back(changed(address, iss=issuer))) == (400, "sign_in_failed")
    assert openid.grants("authorization_code") == grants, "no code is shown to anybody for it"


async def test_a_wrong_secret_signs_nobody_in_and_ends_no_session(start):
    right, wrong = await start(**OFFLINE), await start(**OFFLINE, oidc_client_secret="wrong")
    assert code_of(await wrong.sign_in()) == (400, "sign_in_failed")
    await right.sign_in()
    wrong.cookies = dict(right.cookies)
    assert code_of(await wrong.refresh()) == (503, "provider_unavailable")
    assert wrong.cookies == right.cookies


async def test_s2_new_keys_of_the_provider_are_found(start, openid):
    browser = await start(jwks_cooldown=1)
    await browser.sign_in()
    openid.order("rotate")
    until = time.monotonic() + 30
    while (await browser.sign_in()).headers.get("location") != "/":
        assert time.monotonic() < until
    assert await browser.user() == "ana"


async def test_another_issuer_than_the_configured_one_is_not_believed(start, openid):
    browser = await start(oidc_issuer=openid.issuer.replace("127.0.0.1", "localhost"))
    assert code_of(await browser.go(LOGIN)) == (503, "provider_unavailable")


async def test_a_provider_that_is_down_is_a_sentence_and_no_500(run_gateway):
    running = await run_gateway(auth="jwt", oidc_issuer="http://127.0.0.1:9", public_url=PAGE)
    browser = Browser(await running.client(None))
    answer = await browser.go(LOGIN)
    assert code_of(answer) == (503, "provider_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    shown = await browser.go(f"{LOGIN}?back=%23/c/c_1", **BROWSER)
    assert shown.headers["location"] == "/?trouble=provider_unavailable#/c/c_1"
    browser.cookies[RENEWAL] = "mark.token"
    assert code_of(await browser.refresh()) == (503, "provider_unavailable")
    assert browser.cookies == {RENEWAL: "mark.token"}, "a session is not lost because its provider is away"
    assert (await browser.go("/api/v1/state", authorization="Bearer a.b.c")).status_code == 401


ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "#\r\nset-cookie: a=b",
    "#/c/c_1\n",
    "#" + "a" * 300,
    "javascript:alert(1)",
    "#/c/\u00e9",
    "/docs",
]


async def test_nobody_is_sent_anywhere_but_to_our_page(start):
    browser = await start()
    for back in ELSEWHERE:
        address = await Visitor().signs_in(await browser.begin(back), cancels=True)
        assert (await browser.come_back(address, **BROWSER)).headers["location"] == "/?trouble=sign_in_denied", back
        assert (await browser.sign_in(back)).headers["location"] == "/", back


NASTY = [
    "",
    "\x00",
    "\u00e9",
    "\xed\xa0\x80",
    "a" * 9_000,
    "../",
    "%ff",
    "a.b",
    '";,\\',
]


async def test_nothing_that_is_sent_gives_a_500(start):
    browser = await start(**OFFLINE)
    key = (await browser.go(LOGIN), browser.cookies[SIGN_IN])[1]
    state = dict(parse_qsl(urlsplit(await browser.begin()).query))["state"]
    for text in NASTY:
        for query in ({"state": text, "code": text}, {"state": state, "code": text}, {"state": state, "error": text}):
            browser.cookies = {SIGN_IN: key}
            assert (await browser.go(f"{CALLBACK}?{urlencode(query)}")).status_code in {400, 403, 503}
        for kept in (text, f"mark.{text}"):
            safe = re.sub(r"[^ -~]", "", kept)
            browser.cookies = {SESSION: safe, RENEWAL: safe, SIGN_IN: safe}
            assert (await browser.refresh()).status_code in {401, 503}
            assert (await browser.go(f"{CALLBACK}?state={state}&code=a")).status_code == 400
            assert (await browser.go(LOGOUT)).status_code == 303
        assert (await browser.go(f"{LOGIN}?{urlencode({'back': text})}")).status_code == 303
    for raw in ("%ff%fe", "a=b&a=c", "state=%00&state=%ff", "&&&=", "code=" + "a" * 20_000):
        assert (await browser.go(f"{CALLBACK}?{raw}")).status_code == 400
    for method in ("PUT", "PATCH", "DELETE"):
        for path in (LOGIN, CALLBACK, REFRESH, LOGOUT):
            assert (await browser.go(path, method)).status_code == 405


async def test_where_nobody_signs_in_with_a_provider_these_calls_say_so(run_gateway):
    for settings in ({}, {"auth": "jwt", "jwt_secret": SECRET}):
        browser = Browser(await (await run_gateway(**settings)).client(None))
        for method, path in (("GET", LOGIN), ("GET", CALLBACK), ("POST", REFRESH), ("GET", LOGOUT)):
            assert code_of(await browser.go(path, method)) == (404, "no_provider")


async def test_s14_nothing_secret_is_in_a_log_or_an_error(start, caplog, capsys, registered):
    browser = await start(**OFFLINE)
    address = await Visitor().signs_in(await browser.begin())
    secrets = {*dict(parse_qsl(urlsplit(address).query)).values(), browser.cookies[SIGN_IN], registered["basic"][1]}
    secrets -= {urlsplit(address).query, *(value for value in secrets if value.startswith("http"))}
    texts = [(await browser.come_back(changed(address, iss="https://evil.example"))).text]
    await browser.come_back(address)
    secrets |= set(browser.cookies.values())
    texts.append((await browser.refresh()).text)
    secrets |= set(browser.cookies.values())
    browser.cookies[SIGN_IN] = "A" * 43
    texts.append((await browser.come_back(address)).text)
    out = capsys.readouterr()
    texts += [caplog.text, out.out, out.err]
    assert all(len(each) > 20 for each in secrets)
    assert [each for each in secrets for text in texts if each in text] == []


async def test_old_settings_mean_what_they_meant(start, openid, registered):
    """As they had to be when the page signed in by itself: keys, issuer and audience are those of the provider."""
    client_id, _ = registered["public"]
    browser = await start("public", jwks_url=f"{openid.issuer}/jwks", jwt_issuer=openid.issuer, jwt_audience=client_id)
    await browser.sign_in()
    bearer = {"authorization": "Bearer " + browser.cookies[SESSION]}
    assert (await browser.client.get("/api/v1/state", headers=bearer)).json()["userId"] == "ana"


async def test_s1_each_issuer_is_bound_to_its_own_keys(start, openid, registered):
    browser = await start(jwt_secret=SECRET)
    client_id, _ = registered["basic"]
    own = {"sub": "bob", "exp": time.time() + 600, "iss": "colloquy", "aud": "colloquy"}
    believed = jwt.encode(own, SECRET, "HS256")
    foreign = [
        jwt.encode({**own, "iss": openid.issuer, "aud": client_id}, SECRET, "HS256"),
        jwt.encode({**own, "iss": openid.issuer}, SECRET, "HS256"),
        jwt.encode({**own, "aud": client_id}, SECRET, "HS256"),
    ]
    for token, status in ((believed, 200), *((each, 401) for each in foreign)):
        answer = await browser.client.get("/api/v1/state", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == status
    await browser.sign_in()
    other = await start("public")
    other.cookies = {SESSION: browser.cookies[SESSION]}
    assert await other.user() is None, "a token for another client of the same provider"


async def test_the_documentation_tells_of_every_step(start):
    paths = (await (await start()).client.get("/openapi.json")).json()["paths"]
    assert {"303", "default"} <= set(paths[LOGIN]["get"]["responses"]) & set(paths[CALLBACK]["get"]["responses"])
    assert "200" in paths[REFRESH]["post"]["responses"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_issuer": "http://login.example.com"},
        {"oidc_issuer": "login"},
        {"oidc_issuer": "https://a; script-src *"},
        {"public_url": "https://chat.example.com/here"},
        {"public_url": "chat.example.com"},
    ],
)
async def test_settings_that_must_not_be_are_refused_at_the_start(run_gateway, wrong):
    with pytest.raises(Misconfigured):
        await run_gateway(auth="jwt", **{"oidc_issuer": "https://login.example.com", **wrong})
