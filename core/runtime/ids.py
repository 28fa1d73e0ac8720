"""Opaque ids that sort by time of creation, so that a list's cursor is the last id on it."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def _base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[(number >> 5 * i) & 31] for i in reversed(range(length)))


def new_id(kind: str) -> str:
    """`kind` is a short prefix such as "doc"; the rest is 48 bits of milliseconds and 80 random bits."""
    return f"{kind}_{_base32(time.time_ns() // 1_000_000, 10)}{_base32(secrets.randbits(80), 16)}"
