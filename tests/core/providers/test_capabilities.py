"""What the providers can do: known without a key and without an SDK."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from core import providers
from core.providers import capabilities


def test_every_provider_is_known_and_can_be_made() -> None:
    assert [providers.keyless(name).name for name in capabilities.NAMES] == list(capabilities.NAMES)
    assert {"openai", "anthropic", "offline"} <= set(capabilities.NAMES)
    assert set(capabilities.NAMES) - set(capabilities.REMOTE) == {"offline"}


@pytest.mark.parametrize("name", capabilities.NAMES)
def test_a_local_provider_has_no_address(name: str) -> None:
    assert capabilities.of(name).is_local == (providers.own_address(name) == "")


@pytest.mark.parametrize("name", capabilities.REMOTE)
def test_the_endpoint_of_our_own_bodies_takes_requests_of_ones_own(name: str) -> None:
    assert providers.keyless(name).endpoint in capabilities.of(name).own_endpoints


def test_the_offline_engine_is_no_language_model() -> None:
    can = capabilities.of("offline")
    assert (can.label, can.label_in_sentences) == ("Offline engine (no language model)", "the offline engine")
    assert not can.is_language_model
    assert not can.is_billed
    assert not can.can_translate
    assert not can.can_merge
    assert not can.own_endpoints


def test_an_unknown_name_is_a_language_model_that_bears_its_name() -> None:
    assert capabilities.of("acme").is_language_model
    assert capabilities.label("acme") == "acme"


def test_asking_imports_no_sdk() -> None:
    code = (
        "import sys; from core.providers import capabilities; capabilities.of('openai'); "
        "sys.exit(bool({'openai', 'anthropic', 'msgspec', 'httpx2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


COMPARED = re.compile(r"""[!=]= ["'](openai|anthropic|offline)["']""")


def test_callers_ask_a_capability_and_no_name() -> None:
    root = Path(providers.__file__).parents[2]
    own = (root / "core/providers", root / "core/offline")
    sources = [path for door in ("core", "api", "jobs", "pages") for path in (root / door).rglob("*.py")]
    assert sources
    assert [
        path
        for path in sources
        if not path.is_relative_to(own[0]) and not path.is_relative_to(own[1])
        if COMPARED.search(path.read_text())
    ] == []
