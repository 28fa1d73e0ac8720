"""Which addresses of providers may be entered."""

import pytest

from core.errors import InvalidInput
from core.settings import base_urls


@pytest.mark.parametrize(
    ("entered", "stored"),
    [
        (" https://Models.Example.org/v1/ ", "https://models.example.org/v1"),
        ("https://models.example.org:8443", "https://models.example.org:8443"),
        ("https://8.8.8.8/v1", "https://8.8.8.8/v1"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("http://[::1]:9/v1", "http://[::1]:9/v1"),
        ("http://10.1.2.3/v1", "http://10.1.2.3/v1"),
        ("http://ollama:11434/v1", "http://ollama:11434/v1"),
        ("http://gpu.lan/v1", "http://gpu.lan/v1"),
    ],
)
def test_an_address_is_taken(entered: str, stored: str) -> None:
    assert base_urls.checked(entered) == stored


@pytest.mark.parametrize(
    ("entered", "told"),
    [
        ("models.example.org/v1", "begin with https"),
        ("ftp://models.example.org", "begin with https"),
        ("https://", "name a host"),
        ("https://models.example.org:port/v1", "no address"),
        ("https://[::1/v1", "no address"),
        ("https://me:hunter2@models.example.org/v1", "name and password"),
        ("https://me@models.example.org", "name and password"),
        ("https://models.example.org/v1?key=hunter2", "Leave out"),
        ("https://models.example.org/v1#hunter2", "Leave out"),
        ("https://models.example.org/\\evil", "path"),
        ("https://models.exa mple.org", "spaces"),
        ("https://modéls.example.org", "letters, digits"),
        ("https://models.example.org/" + "x" * 500, "letters, digits"),
        ("https://-models.example.org", "no host of this name"),
        ("http://models.example.org/v1", "Use https"),
        ("http://8.8.8.8", "Use https"),
        ("http://[::ffff:8.8.8.8]", "Use https"),
        ("http://169.254.169.254/latest", "keep their own secrets"),
        ("http://[::ffff:169.254.169.254]/", "keep their own secrets"),
        ("http://[fe80::1]/", "keep their own secrets"),
        ("http://0.0.0.0/", "keep their own secrets"),
        ("http://2852039166/", "no host of this name"),
        ("http://127.1/", "no host of this name"),
        ("http://0xa9fea9fe/", "no host of this name"),
    ],
)
def test_an_address_is_refused_and_its_secrets_are_not_repeated(entered: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told) as refused:
        base_urls.checked(entered)
    assert "hunter2" not in refused.value.message
