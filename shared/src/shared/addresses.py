"""Which hosts are out there in public, by name and by address: what a stranger names must not be one of our own (S8)."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"(?=.{{4,253}}$){LABEL}(?:\.{LABEL})+", re.ASCII)
NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)
"""Resolvers take a name like this for an IPv4 address: 2130706433, 0x7f.1, 127.1, 0177.0.0.1."""

OWN_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "onion", "invalid", "test")
"""Last labels that never are in the public DNS."""

# The special-purpose registries of IANA, and what is not given to anybody.
CLOSED_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
OPEN_6 = IPv6Network("2000::/3")
# Within it: Teredo and other protocol assignments, documentation, 6to4 and NAT64, which may carry any IPv4 address.
CLOSED_6 = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


def is_public(address: str) -> bool:
    """Whether this is an address of the public internet. What is written in an unusual way is not."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in CLOSED_4)
    return parsed.scope_id is None and parsed in OPEN_6 and not any(parsed in network for network in CLOSED_6)


def is_public_host(host: str) -> bool:
    """Whether a host, as it stands in a URL, may be in public: a full name in lower case, or a public address.

    What a name stands for is another question, which only its addresses answer.
    """
    if ":" in host:
        return _is_plain_6(host) and is_public(host)
    if NUMERIC.fullmatch(host):
        return is_public(host)
    return NAME.fullmatch(host) is not None and host.rsplit(".", 1)[1] not in OWN_NAMES


def _is_plain_6(host: str) -> bool:
    try:
        return IPv6Address(host).scope_id is None
    except AddressValueError:
        return False
