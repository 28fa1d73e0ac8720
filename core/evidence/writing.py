"""Findings of answers, as insights with checked evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    statement: str
    quotes: tuple[str, ...]
    attributes: Mapping[str, Any]
