"""The audit as it leaves Cairn, the oldest entry first: itself an entry."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO, Literal

from core.access import audit, audit_report, chain
from core.access.audit_report import EntryRow, Filters
from core.exports.columns import Column
from core.exports.write import write
from core.runtime import db

TITLE = "Audit"
FormatName = Literal["jsonl", "csv"]
JSON = ("object", "before", "after")
COLUMNS = tuple(Column(name, "json" if name in JSON else "text") for name in EntryRow.__dataclass_fields__)


def export(file: BinaryIO, format_: FormatName, filters: Filters) -> None:
    """What the caller may read of it. A line of `jsonl` is an entry as programs see it, which its hash covers."""
    said = {name: str(value) for name, value in asdict(filters).items() if value is not None}
    with db.transaction() as session:
        audit.write(session, "audit.export", "audit", after={"format": format_, **said})
    with db.transaction(reads="snapshot") as session:
        entries = (as_json(row) for row in audit_report.every(session, filters))
        if format_ == "csv":
            return write(file, "csv", TITLE, COLUMNS, (list(entry.values()) for entry in entries))
        for entry in entries:
            file.write(json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def as_json(row: EntryRow) -> Mapping[str, Any]:
    return chain.as_json(asdict(row))
