"""How much reading one document may take."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class ExtractionLimits:
    """`pictures`: how many are looked through for words; 0, none is. `scratch`: where they are kept meanwhile; None,
    where the machine keeps its temporary files."""

    memory_bytes: int = 1_500_000_000
    seconds: float = 120
    text_characters: int = 20_000_000
    sandbox: Literal["auto", "required", "off"] = "auto"
    pictures: int = 1000
    recognizing_memory_bytes: int = 3_000_000_000
    scratch: Path | None = None
