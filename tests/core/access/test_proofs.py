"""What a request shows of who sends it."""

from typing import Any

import pytest

from core.access import proofs


@pytest.mark.parametrize(
    ("peer", "forwarded", "ip"),
    [
        ("10.0.0.2", None, "10.0.0.2"),
        ("10.0.0.2", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.2", "9.9.9.9, 1.1.1.1", "1.1.1.1"),
        ("10.0.0.2", "9.9.9.9, 1.1.1.1, 10.0.0.3", "1.1.1.1"),
        ("10.0.0.2", "10.0.0.3", "10.0.0.3"),
        ("10.0.0.2", " , ", "10.0.0.2"),
        ("1.1.1.1", "9.9.9.9", "1.1.1.1"),
        ("127.0.0.1", "9.9.9.9", "127.0.0.1"),
        ("testclient", "9.9.9.9", "testclient"),
        (None, "9.9.9.9", None),
    ],
)
def test_an_address_counts_as_far_as_proxies_are_trusted(
    setting: Any, peer: str | None, forwarded: str | None, ip: str | None
) -> None:
    setting(FORWARDED_ALLOW_IPS="10.0.0.0/8")
    assert proofs.ip_of(peer, forwarded) == ip


def test_a_proof_has_all_parts_of_a_long_cookie_and_no_other() -> None:
    long = {"_streamlit_user": "chunks-2", "_streamlit_user_1": "a", "_streamlit_user_2": "b"}
    assert proofs.of_cookies({"_streamlit_user": "one", "_streamlit_user_tokens": "x", "theme": "dark"}) == "one"
    assert proofs.of_cookies(long) == proofs.of_cookies(dict(reversed(long.items())))
    assert proofs.of_cookies(long) not in (proofs.of_cookies({**long, "_streamlit_user_2": "c"}), "chunks-2")
    assert proofs.of_cookies({"_streamlit_user_1": "a"}) is None
    assert proofs.of_cookies({}) is None
