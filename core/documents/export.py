"""Documents as they leave Cairn: those that a list with the same filters has, in its order, at one moment."""

from dataclasses import asdict
from typing import BinaryIO

from core.access import audit
from core.documents import report, warnings
from core.documents.report import DocumentRow, Filters
from core.exports.columns import Column, FormatName
from core.exports.write import write
from core.runtime import db

TITLE = "Documents"
OF_THE_ROW = (
    Column("id"),
    Column("name"),
    Column("collection"),
    Column("state"),
    Column("media_type"),
    Column("size_bytes", "integer"),
    Column("pages", "integer"),
    Column("characters", "integer"),
    Column("tokens", "integer"),
    Column("language"),
    Column("created_at", "time"),
    Column("sha256"),
    Column("part_of"),
)
COLUMNS = (*OF_THE_ROW, Column("error"), Column("not_in_the_text"), Column("pages_read_by_ocr", "integer"))


def export(file: BinaryIO, format_: FormatName, filters: Filters) -> None:
    with db.transaction() as session:
        said = {name: value for name, value in asdict(filters).items() if value}
        audit.write(session, "export", "documents", after={"format": format_, **said})
    with db.transaction(reads="snapshot") as session:
        write(file, format_, TITLE, COLUMNS, map(_values, report.every(session, filters)))


def _values(row: DocumentRow) -> list[object]:
    """What is not known of an older document's text is said as such: an empty cell means that all of it is there."""
    lacking = "not known" if row.warnings is None else warnings.briefly(row.warnings)
    error = row.error_message or row.again_error_message
    return [*(getattr(row, column.name) for column in OF_THE_ROW), error, lacking or None, len(row.read_by_ocr or ())]
