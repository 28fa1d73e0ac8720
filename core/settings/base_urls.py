"""Which base URLs of providers may be entered on a page: keys and documents are sent there."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from core.errors import InvalidInput
from core.providers import addresses

CHARACTERS = 500
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_PATH = re.compile(r"[A-Za-z0-9._~/%:@+-]*")
# Names that only resolve in a private network.
_INTERNAL = (".localhost", ".local", ".internal", ".lan", ".intranet", ".home.arpa")


def checked(text: str) -> str:
    """The address as it is stored, without a slash at its end. Raises InvalidInput."""
    address = text.strip().rstrip("/")
    if len(address) > CHARACTERS or not address.isascii() or not address.isprintable() or " " in address:
        raise InvalidInput(f"The address has up to {CHARACTERS} letters, digits and signs, without spaces.")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise InvalidInput(f"This is no address. {EXAMPLE}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(f"The address must begin with https:// or http:// and name a host. {EXAMPLE}")
    if "@" in parts.netloc:
        raise InvalidInput("Leave the name and password out of the address; the key has a field of its own.")
    if "?" in address or "#" in address:
        raise InvalidInput("Leave out what begins with ? or #: only the host and a path belong here.")
    if not _PATH.fullmatch(parts.path):
        raise InvalidInput("The path of the address has signs that do not belong there.")
    _check_host(parts)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port is not None else ''}{parts.path}"


EXAMPLE = "An example: https://models.example.org/v1"


def _check_host(parts: SplitResult) -> None:
    host = parts.hostname or ""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        # A last part of digits would be read as a number, and be another address than it looks like.
        if not _HOST.fullmatch(host) or re.fullmatch(r"\d+|0x[0-9a-f]*", host.rpartition(".")[2]):
            raise InvalidInput(f"There can be no host of this name. {EXAMPLE}") from None
        near = "." not in host or host.endswith(_INTERNAL)
    else:
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if addresses.no_provider_lives_at(ip):
            raise InvalidInput("No provider lives at such an address; machines keep their own secrets there.")
        near = ip.is_private
    if parts.scheme == "http" and not near:
        raise InvalidInput(
            "Over http the key and the documents could be read on their way. Use https; http is only for this machine "
            "and your own network."
        )


def shown(address: str) -> str:
    """The address without the user name and password that one set by the environment may hold."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
