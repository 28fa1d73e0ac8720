"""Under which names and addresses Cairn is reached, and which of them are this machine's alone."""

import ipaddress
import re
from urllib.parse import urlsplit

PORTS = {"http": "80", "https": "443"}
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?/?", re.IGNORECASE)


def is_loopback(name: str) -> bool:
    """Of a host without port; brackets around an IPv6 address do not matter."""
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def origin(url: str) -> str | None:
    """As a browser writes it: in small letters, without the scheme's own port. None where `url` is more than that."""
    found = _ORIGIN.fullmatch(url)
    if found is None:
        return None
    scheme, host, port = found[1].lower(), found[2].lower(), found[3]
    return f"{scheme}://{host}" if port in (None, PORTS[scheme]) else f"{scheme}://{host}:{int(port)}"


def is_http_beyond_loopback(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_beyond_loopback(url: str | None) -> bool:
    return url is not None and not is_loopback(urlsplit(url).hostname or "")
