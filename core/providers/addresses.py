"""Addresses that no provider has, looked at when a connection is made: whatever a name resolved to by then."""

import ipaddress
import socket
from typing import Any

import psutil

from core.runtime import listening_socket

# Where clouds keep the secrets of their machines, beside 169.254.0.0/16: Alibaba, Azure, Oracle; Amazon and Google.
METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class RefusedAddress(OSError):
    """Nothing was sent. The message says what lives at the address."""


def no_provider_lives_at(ip: IPAddress) -> bool:
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in METADATA


def opened(info: tuple[Any, ...]) -> socket.socket:
    """A socket for an address as `getaddrinfo` gives it: aiohttp's `socket_factory`. Raises RefusedAddress."""
    family, kind, protocol, _, address = info
    ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
    if no_provider_lives_at(ip):
        raise RefusedAddress("machines keep their own secrets there")
    if address[1] == listening_socket.own_port() and _is_this_machine(ip):
        raise RefusedAddress("it is Cairn's own")
    return socket.socket(family=family, type=kind, proto=protocol)


def _is_this_machine(ip: IPAddress) -> bool:
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_loopback:
        return True
    own = {one.address.partition("%")[0] for many in psutil.net_if_addrs().values() for one in many}
    return str(ip) in own
