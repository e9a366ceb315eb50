"""S8: an address that somebody else named leads nowhere but where it may, whatever it looks like or resolves to."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpcore
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.addresses import is_public, is_public_host
from shared.errors import TooLarge
from shared.outbound import AddressRefused, Reach, Unreachable, download, outbound, resolved

ANYWHERE = Reach(hosts=frozenset({"*"}))
PUBLIC = "93.184.216.34"

OURS_4 = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.1.2.3"),
    *("169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1"),
    *("192.88.99.1", "192.168.0.1", "192.168.255.254", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
)


def pieces(address: str) -> list[int]:
    return [int(part) for part in address.split(".")]


def number(address: str) -> int:
    return int.from_bytes(bytes(pieces(address)))


def spellings(address: str) -> list[str]:
    """What resolvers and browsers also read as this IPv4 address, and IPv6 addresses that carry it."""
    a, b, c, d = pieces(address)
    high, low = f"{a:02x}{b:02x}", f"{c:02x}{d:02x}"
    return [
        address,
        str(number(address)),
        hex(number(address)),
        f"0{number(address):o}",
        ".".join(f"0{part:o}" for part in (a, b, c, d)),
        ".".join(f"{part:#x}" for part in (a, b, c, d)),
        f"{a}.{b}.{c * 256 + d}",
        f"{a}.{b * 65536 + c * 256 + d}",
        f"{address}.",
        f"[::ffff:{address}]",
        f"[::ffff:{high}:{low}]",
        f"[::{address}]",
        f"[64:ff9b::{address}]",
        f"[64:ff9b:1::{high}:{low}]",
        f"[2002:{high}:{low}::1]",
        f"[2001:0:{high}:{low}::1]",
        f"[fe80::5efe:{address}]",
    ]


OURS_6 = (
    "[::]",
    "[::1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[100::1]",
)
NAMES = (
    "localhost",
    "LOCALHOST",
    "nats",
    "a.localhost",
    "printer.local",
    "db.internal",
    "router.lan",
    "x.onion",
    "x.test",
    "x.arpa",
)
ODD = (
    *(
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "unix:///run/docker.sock",
        "gopher://example.org:70/_",
    ),
    *("https://user@example.org/", "https://user:secret@example.org/", "https://127.0.0.1:80@example.org/", "https:///path"),
    *("https://example.org:4222/", "https://example.org:22/", "https://example.org:5432/", "https://example.org:80/"),
    *(
        "https://example.org:443@169.254.169.254/",
        "https://exam ple.org/",
        "https://example.org\\@127.0.0.1/",
        "//example.org/",
    ),
    *("https://example.org.", "https://exa%6dple.org/", "https://-example.org/", "https://example..org/", "example.org", ""),
    *(
        "https://[::1",
        "https://[v1.x]/",
        "https://127.0.0.1%2f@example.org/",
        "https://①②⑦.⓪.⓪.①/",
        "https://example.org\r\nHost: x/",
    ),
    *(
        "https://127。0。0。1/",
        "https://0/",
        "https://0x/",
        "https://1e3/",
        "https://" + "a." * 200 + "org/",
        "data:audio/wav;base64,",
    ),
    *(
        "javascript:alert(1)",
        "https+unix://%2Frun%2Fx/",
        "https://example.org:99999/",
        "https://example.org:-1/",
        "\x00https://a.b/",
    ),
)

HOSTILE = (
    *(f"https://{spelling}/" for address in OURS_4 for spelling in spellings(address)),
    *(f"https://{host}/" for host in (*OURS_6, *NAMES)),
    *ODD,
)


def test_s8_there_are_enough_hostile_addresses():
    assert len(set(HOSTILE)) >= 300


@pytest.mark.parametrize("url", HOSTILE)
def test_s8_a_hostile_address_is_refused_before_anybody_is_asked(url):
    with pytest.raises(AddressRefused):
        ANYWHERE.check(url)


@pytest.mark.parametrize(
    "url", ["https://example.org/a.webm?x=1", "https://EXAMPLE.org", "https://b\u00fccher.example.com/", "https://8.8.8.8/"]
)
def test_an_address_in_public_is_accepted(url):
    assert ANYWHERE.check(url).scheme == "https"


def test_only_hosts_that_were_named_are_accepted():
    reach = Reach(hosts=frozenset({"audio.example.org", ".example.com"}))
    for host in ("audio.example.org", "example.com", "a.b.example.com"):
        reach.check(f"https://{host}/")
    for host in ("example.org", "evil-example.com", "example.com.evil.net", "xaudio.example.org"):
        with pytest.raises(AddressRefused):
            reach.check(f"https://{host}/")


def test_without_hosts_nothing_is_accepted():
    with pytest.raises(AddressRefused):
        Reach().check("https://example.org/")


@pytest.mark.parametrize("address", [*OURS_4, "::1", "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808", "fe80::1%2", "x"])
def test_an_address_of_our_own_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "2a00:1450:4001:81b::200e"])
def test_an_address_of_others_is_public(address):
    assert is_public(address)
    assert is_public_host(address)


# --- over real sockets ------------------------------------------------------------------------------------------------


class Net(httpcore.AsyncNetworkBackend):
    """The internet: every address of it is served by one server on this machine. Writes down who was called."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.called: list[str] = []
        self.names: dict[str, list[Sequence[str]]] = {}

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        answers = self.names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.called.append(host)
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port, timeout)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate for audio.example.org and nobody else, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "audio.example.org")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("audio.example.org")]), critical=False)
    (folder / "cert").write_bytes(built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return folder / "cert", folder / "key"


class Site:
    """An https server that says what it was told to."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.requests: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        writer.write(self.answers[head.split(b" ")[1].decode()])
        await writer.drain()
        writer.close()


def ok(body: bytes, *lines: str) -> bytes:
    head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Connection: close", *lines])
    return head.encode() + b"\r\n\r\n" + body


def moved(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@asynccontextmanager
async def internet(certificate, reach=ANYWHERE) -> AsyncGenerator[tuple[Site, Net, httpx.AsyncClient]]:
    site, secure = Site(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secure.load_cert_chain(*certificate)
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=secure)
    net = Net(server.sockets[0].getsockname()[1])
    net.names["audio.example.org"] = [[PUBLIC]]
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    async with server, outbound(reach, net.resolve, beneath=net, trust=trust) as client:
        yield site, net, client


async def fetched(client, url, limit=1_000, seconds=20.0) -> bytes:
    return b"".join([piece async for piece in download(client, url, limit=limit, seconds=seconds)])


async def test_s8_the_checked_address_is_called_under_its_own_name(certificate):
    async with internet(certificate) as (site, net, client):
        site.answers["/a"] = ok(b"sound")
        assert await fetched(client, "https://audio.example.org/a") == b"sound"
        assert net.called == [PUBLIC]
        assert b"Host: audio.example.org\r\n" in site.requests[0]
        assert b"Accept-Encoding: identity" in site.requests[0]


@pytest.mark.parametrize(
    "ours", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "fe80::1%2"]
)
async def test_s8_a_name_that_stands_for_an_address_of_ours_is_refused_without_a_call(certificate, ours):
    async with internet(certificate) as (_, net, client):
        for answer in ([ours], [PUBLIC, ours]):
            net.names["evil.example.org"] = [answer]
            with pytest.raises(AddressRefused):
                await fetched(client, "https://evil.example.org/")
        assert net.called == []


async def test_s8_a_name_that_changes_its_mind_is_looked_at_again(certificate):
    async with internet(certificate) as (site, net, client):
        site.answers["/a"] = ok(b"sound")
        net.names["audio.example.org"] = [[PUBLIC], ["127.0.0.1"]]
        assert await fetched(client, "https://audio.example.org/a") == b"sound"
        with pytest.raises(AddressRefused):
            await fetched(client, "https://audio.example.org/a")
        assert net.called == [PUBLIC]


@pytest.mark.parametrize(
    "to",
    [
        "http://audio.example.org/",
        "https://127.0.0.1/",
        "https://[::ffff:a9fe:a9fe]/",
        "file:///etc/passwd",
        "//2130706433/",
        "https://localhost/",
    ],
)
async def test_s8_a_redirect_is_looked_at_like_any_address(certificate, to):
    async with internet(certificate) as (site, net, client):
        site.answers["/a"] = moved(to)
        with pytest.raises((AddressRefused, Unreachable)):
            await fetched(client, "https://audio.example.org/a")
        assert net.called == [PUBLIC]


async def test_s8_three_redirects_and_no_more(certificate):
    async with internet(certificate) as (site, _, client):
        site.answers |= {f"/{step}": moved(f"/{step + 1}") for step in range(5)}
        site.answers["/5"] = ok(b"sound")
        assert await fetched(client, "https://audio.example.org/2") == b"sound"
        with pytest.raises(Unreachable):
            await fetched(client, "https://audio.example.org/1")


async def test_s8_somebody_elses_certificate_is_refused(certificate):
    async with internet(certificate) as (site, net, client):
        net.names["other.example.org"] = [[PUBLIC]]
        with pytest.raises(Unreachable):
            await fetched(client, "https://other.example.org/a")
        assert site.requests == []


@pytest.mark.parametrize(
    "answer",
    [ok(b"x" * 1_001), b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 1_001],
    ids=["announced", "not announced"],
)
async def test_s8_too_much_is_cut_off(certificate, answer):
    async with internet(certificate) as (site, _, client):
        site.answers["/a"] = answer
        with pytest.raises(TooLarge):
            await fetched(client, "https://audio.example.org/a")


@pytest.mark.parametrize(
    "answer", [ok(b"x", "Content-Encoding: gzip"), b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", b"nonsense\r\n\r\n", b""]
)
async def test_s8_what_is_not_what_was_asked_for_is_said_to_be_unreachable(certificate, answer):
    async with internet(certificate) as (site, _, client):
        site.answers["/a"] = answer
        with pytest.raises(Unreachable):
            await fetched(client, "https://audio.example.org/a")


async def test_s8_a_server_that_never_ends_is_left(certificate):
    async with internet(certificate) as (site, _, client):
        site.answers["/a"] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"
        with pytest.raises(Unreachable):
            await fetched(client, "https://audio.example.org/a", seconds=0.5)


@pytest.mark.parametrize("failure", [OSError("no such name"), UnicodeError("x")])
async def test_a_name_that_nobody_knows_is_unreachable(failure):
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise failure

    async with outbound(ANYWHERE, resolve) as client:
        with pytest.raises(Unreachable):
            await fetched(client, "https://nobody.example.org/")


async def test_s8_a_server_on_this_machine_hears_nothing_from_a_hostile_address():
    heard: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        reach = Reach(hosts=frozenset({"*"}), ports=frozenset({port}))
        async with outbound(reach) as client:
            for host in spellings("127.0.0.1"):
                with pytest.raises(AddressRefused):
                    await fetched(client, f"https://{host}:{port}/")
        with pytest.raises(BlockingIOError):
            heard.append(listener.accept())
    assert heard == []


async def test_what_the_operator_chose_may_be_on_this_machine_and_nothing_beside_it():
    site = Site()
    site.answers["/a"] = ok(b"sound")
    async with await asyncio.start_server(site.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reach = Reach(origins=frozenset({f"http://127.0.0.1:{port}"}))
        async with outbound(reach) as client:
            assert await fetched(client, f"http://127.0.0.1:{port}/a") == b"sound"
            for other in (f"http://localhost:{port}/a", f"http://127.0.0.1:{port + 1}/a", f"https://127.0.0.1:{port}/a"):
                with pytest.raises(AddressRefused):
                    await fetched(client, other)


async def test_this_machine_resolves_its_own_name():
    assert "127.0.0.1" in await resolved("localhost", 443)
