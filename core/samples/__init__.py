"""Documents to try Cairn with: real texts under free licences, named with their sources in SOURCES.md."""

from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_NAMES = (
    "filesystem-hierarchy-standard.pdf",
    "sqlite-how-it-is-tested.html",
    "sqlite-where-it-runs.docx",
    "sqlite-long-term-support.eml",
    "xz-history.txt",
    "zstandard-readme.md",
    "debian-releases.xlsx",
)


@dataclass(frozen=True)
class SampleFile:
    name: str
    path: Path


def files() -> list[SampleFile]:
    return [SampleFile(name, _HERE / name) for name in _NAMES]
