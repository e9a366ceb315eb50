"""The example of flights stands beside what the user has configured, and never in its place."""

import tomllib
from pathlib import Path

import pytest

from colloquy.flight_server import flight_server, with_flights

URL = "http://127.0.0.1:9/mcp"


def test_it_is_added_behind_what_the_user_has(tmp_path: Path):
    own = '[servers.clock]\ncommand = ["clock"]\n'
    file = tmp_path / "servers.toml"
    file.write_text(own)
    for configured in (own, str(file)):
        servers = tomllib.loads(with_flights(configured, URL) or "")["servers"]
        assert list(servers) == ["clock", "flights"]
    assert servers["flights"]["url"] == URL
    assert servers["flights"]["policy"] == "ask"
    assert servers["flights"]["tools"]["search_flights"] == {"policy": "auto", "heavy": True}


@pytest.mark.parametrize(
    "configured", ['[servers.flights]\nurl = "http://mine/mcp"', "servers = {}", "no = [toml", "/there/is/no/such/file.toml"]
)
def test_where_there_is_no_place_for_it_the_user_s_own_stays_as_it_is(configured: str):
    assert with_flights(configured, URL) is None
    assert flight_server({"INFERENCE_TOOL_SERVERS": configured}) is None


def test_alone_it_listens_on_loopback_and_keeps_its_socket():
    found = flight_server({})
    assert found is not None
    with found.listener:
        host, port = found.listener.getsockname()
        assert host == "127.0.0.1"
        assert f"http://127.0.0.1:{port}/mcp" in found.tool_servers
