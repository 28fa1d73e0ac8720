"""What Cairn is made of: pinned and hashed, under licences that it may have; no secret among its files; and how the
containers are closed.

Licences are those that packages name in their metadata. What a wheel brings along from others is not looked into.
"""

import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.txt", "requirements-dev.txt")
PINNED = re.compile(r"^([^#\s-].*?)((?: \\\n    --hash=sha256:[0-9a-f]{64})*)\n", re.MULTILINE)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def locked(name: str) -> list[tuple[Requirement, int]]:
    """What a lock file pins, and by how many hashes."""
    return [(Requirement(found[1]), found[2].count("--hash")) for found in PINNED.finditer(read(name))]


def applying(name: str) -> dict[str, Requirement]:
    """Of this Python and system."""
    pins = [one for one, _ in locked(name) if one.marker is None or one.marker.evaluate()]
    return {canonicalize_name(one.name): one for one in pins}


@pytest.mark.parametrize("name", LOCKS)
def test_all_that_is_installed_is_pinned_and_hashed(name: str) -> None:
    pins = locked(name)
    assert len(pins) > 50
    assert [str(one) for one, hashes in pins if not hashes or not re.fullmatch(r"==[^*]+", str(one.specifier))] == []


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_is_of_the_short_list(name: str) -> None:
    """`make lock` was run after a change of it."""
    pins = applying(name)
    for line in read(name.replace(".txt", ".in")).splitlines():
        if line.strip() and not line.startswith(("#", "-")):
            asked = Requirement(line.partition(" #")[0])
            (pin,) = pins[canonicalize_name(asked.name)].specifier
            assert asked.specifier.contains(pin.version, prereleases=True), line


def test_both_locks_pin_the_same_version() -> None:
    run, dev = applying(LOCKS[0]), applying(LOCKS[1])
    assert [name for name in run.keys() & dev.keys() if run[name].specifier != dev[name].specifier] == []


def test_nothing_is_installed_from_a_lock_without_its_hashes() -> None:
    for name in ("Makefile", "Dockerfile"):
        installs = re.findall(r"pip install.* -r requirements.*", read(name))
        assert installs
        assert all("--require-hashes" in line for line in installs), name


# None of them asks for more than the LGPL does: that Cairn's own sources are given away.
PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0",
    "Zlib",
}  # fmt: skip
# Changes of these packages themselves would have to be given away, and the packages stay replaceable.
WEAK_COPYLEFT = {"LGPL-3.0-only", "MPL-2.0"}
# As packages name them that have no expression yet (PEP 639).
SPELLED = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
NO_LICENCE = {"OSI Approved", "DFSG approved"}
# Looked at by hand.
EXCUSED = {
    "altair": "its field holds the text of the licence, BSD-3-Clause, as its classifier says",
    "pypdfium2": "BSD-3-Clause and Apache-2.0, and those of PDFium's parts, which lie in its wheel",
}


def licences(of: PackageMetadata) -> set[str]:
    """All that a package names, wherever it does."""
    fields = of.get_all("Classifier") or []
    named = [field.rpartition("::")[2].strip() for field in fields if field.startswith("License")]
    named += [of[field] for field in ("License", "License-Expression") if of[field]]
    spelled = [SPELLED.get(one.strip(), one.strip()) for one in named if one.strip() not in NO_LICENCE]
    return {part for one in spelled for part in re.split(r" (?:AND|OR|WITH) |[()]", one) if part.strip()}


def test_every_licence_is_known_and_none_is_stronger_than_the_lgpl() -> None:
    names = {name for lock in LOCKS for name in applying(lock)}
    found = {name: licences(metadata(name)) for name in sorted(names)}
    odd = {name: named for name, named in found.items() if not named or named - PERMISSIVE - WEAK_COPYLEFT}
    assert {name: named for name, named in odd.items() if name not in EXCUSED} == {}
    assert EXCUSED.keys() == odd.keys()


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"License-Expression": "MPL-2.0 AND (Apache-2.0 OR GPL-3.0-only)"}, {"MPL-2.0", "Apache-2.0", "GPL-3.0-only"}),
        ({"License": "MIT", "Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"},
         {"MIT", "GNU General Public License v", "GPLv3"}),
        ({"License": "see COPYING"}, {"see COPYING"}),
        ({"Classifier": "License :: OSI Approved"}, set()),
    ],
)  # fmt: skip
def test_a_licence_is_seen_wherever_it_is_named(headers: dict[str, str], found: set[str]) -> None:
    from email.message import Message

    of = Message()
    for name, value in headers.items():
        of[name] = value
    told = licences(of)  # type: ignore[arg-type]
    assert bool(told - PERMISSIVE - WEAK_COPYLEFT) is bool(found - PERMISSIVE - WEAK_COPYLEFT)
    assert bool(told) is bool(found)


# Keys as their makers shape them, so that one is recognized without its name beside it: what stands in each, and all.
SHAPES = [
    (("PRIVATE KEY",), r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----\s+[A-Za-z0-9+/=]{32}"),
    (("T3BlbkFJ",), r"\bsk-[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}"),
    (("sk-ant-",), r"\bsk-ant-(?:api|admin)\d\d-[A-Za-z0-9_-]{40,}"),
    (("sk-or-", "gsk_", "xai-"), r"\b(?:sk-or-v1-[0-9a-f]{64}|gsk_[A-Za-z0-9]{52}|xai-[A-Za-z0-9]{80})\b"),
    (("hf_", "r8_"), r"\b(?:hf_[A-Za-z]{34}|r8_[A-Za-z0-9]{37})\b"),
    (("AKIA", "ASIA"), r"\bA[KS]IA[A-Z2-7]{16}\b"),
    (("AIza", "GOCSPX-", "ya29."), r"\bAIza[\w-]{35}\b|\bGOCSPX-[\w-]{28}\b|\bya29\.[\w-]{60,}"),
    (("AccountKey=", "Q~"), r"\bAccountKey=[A-Za-z0-9+/]{86}==|\b[\w~.-]{3}[0-9]Q~[\w~.-]{31,34}"),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
    (("github_pat_",), r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b"),
    (("glpat-", "gldt-", "glrt-"), r"\bgl(?:pat|dt|rt)-[\w-]{20,}"),
    (("xox",), r"\bxox[abeoprs]-[0-9]{8,}-[A-Za-z0-9-]{10,}"),
    (("hooks.slack.com",), r"hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{20,}"),
    (("k_live_",), r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    (("pypi-AgE", "npm_"), r"\bpypi-AgEIcHlwaS5vcmc[\w-]{50,}|\bnpm_[A-Za-z0-9]{36}\b"),
    (("eyJ",), r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}"),
    (("cairn_",), r"\bcairn_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
]
# Words for a secret, and what may follow: it is one where it looks thrown by dice.
WORDS = ("secret", "token", "password", "passwd", "apikey", "api_key", "api-key", "credential")
BESIDE = re.compile(r"[\w-]{0,20}[\"']?\s{0,2}[:=]{1,2}\s{0,2}[\"']?([A-Za-z0-9+/_-]{24,}={0,2})(?![\w(.\[])")
BITS_PER_CHARACTER = 4.0
KEY_FILE = re.compile(r"(?:.*/)?(?:\.env|.*\.(?:pem|key|p12|pfx|jks|kdbx)|id_(?:rsa|ed25519))")
# The file, what it holds, and why that opens nothing.
NO_SECRETS = {
    ("tests/core/environment/test_environment.py", "gK3v0-8sQm1Zc7Yt5Rj2Wp9Xn4Lb6Hd"): "made up, to be hidden",
    ("tests/journeys/test_signing_in.py", "Vq3pXn8sLw1tRz6yHc0kMd5jBf9gUa2e"): "made up, of a server of the test",
}


def looks_thrown(value: str) -> bool:
    """Words and identifiers repeat letters, and have no figures among capital and small ones."""
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    of = Counter(value).values()
    entropy = -sum(count / len(value) * math.log2(count / len(value)) for count in of)
    return kinds == 3 and entropy >= BITS_PER_CHARACTER


def secrets_in(text: str) -> Iterator[str]:
    for words, shape in SHAPES:
        if any(word in text for word in words):
            yield from (found[0] for found in re.finditer(shape, text))
    lowered = text.lower()
    for word in WORDS:
        at = lowered.find(word)
        while at >= 0:
            at += len(word)
            found = BESIDE.match(text, at)
            if found and looks_thrown(found[1]):
                yield found[1]
            at = lowered.find(word, at)


def test_no_file_holds_a_secret() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("only what git knows is given away")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    found = set()
    for name in names:
        data = (ROOT / name).read_bytes()
        if b"\0" not in data[:8000]:
            found |= {(name, one) for one in secrets_in(data.decode(errors="replace"))}
    assert found == NO_SECRETS.keys()
    assert [name for name in names if KEY_FILE.fullmatch(name)] == []


THROWN = "gK3v08sQm1Zc7Yt5Rj2Wp9Xn4Lb6HdQz" * 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sk-" + "proj-" + THROWN[:24] + "T3Blbk" + "FJ" + THROWN[:24], True),
        ("'sk-" + "ant-api03-" + THROWN[:93] + "'", True),
        ("AKIA" + "QRSTUVWXYZ234567", True),
        ("ghp" + "_" + THROWN[:36], True),
        ("AIza" + THROWN[:35], True),
        ("xoxb" + "-123456789012-" + THROWN[:24], True),
        ("-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + THROWN[:64], True),
        ("eyJ" + THROWN[:20] + ".eyJ" + THROWN[:20] + "." + THROWN[:30], True),
        ("cairn" + "_" + THROWN[:43], True),
        ("OPENAI_API_KEY=" + THROWN[:32], True),
        ('"client_secret": "' + THROWN[:40] + '"', True),
        ("password: " + THROWN[:24], True),
        ("secret_key = secrets.token_urlsafe(48)", False),
        ('token = "a_name_of_many_words_in_a_row"', False),
        ("SECRET_KEY = 'ssssssssssssssssssssssssssssssssssss'", False),
        ('password = "quick-brown-fox-jumps-over-lazy-dog"', False),
        ("sk-ant-" + "test", False),
        ("tokens = CachedTokensOfResponses2Aggregated(", False),
    ],
)  # fmt: skip
def test_a_secret_is_recognized(text: str, found: bool) -> None:
    assert any(secrets_in(text)) is found


def test_containers_are_closed() -> None:
    services = yaml.safe_load(read("compose.yaml"))["services"]
    assert services.keys() == {"web", "jobs", "postgres"}
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "devices"}, name
        assert any(mount.startswith("/tmp") for mount in service["tmpfs"]), name
    assert all(port.startswith("127.0.0.1:") for port in services["web"]["ports"])
    assert re.findall(r"^USER (.*)$", read("Dockerfile"), re.MULTILINE) == ["cairn"]
