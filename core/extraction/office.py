"""DOCX, PPTX and XLSX: text in reading order, tables as lines of cells."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import ExtractionError
from core.extraction.reading import Read, Stage
from core.extraction.types import DOCX, OLE, PPTX

UNPACKED_LIMIT = 1 << 30
RATIO_LIMIT = 200
ENCRYPTED = "The file is protected by a password. Save a copy without one and upload that."
OLD = "This is the format of Office 97-2003, which is not read. Save it as DOCX, XLSX or PPTX and upload that."


def read(path: Path, media_type: str, on_stage: Stage) -> Read:
    on_stage("reading", 0, 1)
    if media_type == OLE:
        encrypted = "EncryptedPackage".encode("utf-16-le") in path.read_bytes()
        raise ExtractionError(ENCRYPTED if encrypted else OLD, code="ENCRYPTED" if encrypted else "UNKNOWN_TYPE")
    _refuse_bombs(path)
    if media_type == DOCX:
        return Read(("\n".join(_docx(path)),))
    if media_type == PPTX:
        return Read(tuple(_pptx(path, on_stage)), paged=True)
    return Read(tuple(_xlsx(path, on_stage)), paged=True)


def _refuse_bombs(path: Path) -> None:
    """A zip says how large its members are before one is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        raise ExtractionError(
            "The file is damaged. Open it, save it anew and upload that.", code="CORRUPT"
        ) from None
    if unpacked > UNPACKED_LIMIT or unpacked > RATIO_LIMIT * max(path.stat().st_size, 100_000):
        raise ExtractionError(
            f"Unpacked the file would take {unpacked >> 20:,} MB, far more than a document does. Split it.",
            code="TOO_LARGE",
        )


def _docx(path: Path) -> Iterator[str]:
    import docx
    from docx.table import Table

    for block in docx.Document(str(path)).iter_inner_content():
        if isinstance(block, Table):
            yield from _table(block)
        else:
            yield block.text


def _table(table: Any) -> Iterator[str]:
    for row in table.rows:
        cells = list(dict.fromkeys(row.cells))  # a merged cell comes once for each column that it spans
        yield "\t".join(" ".join(cell.text.split()) for cell in cells)


def _pptx(path: Path, on_stage: Stage) -> Iterator[str]:
    import pptx

    slides = pptx.Presentation(str(path)).slides
    for number, slide in enumerate(slides):
        on_stage("reading", number, len(slides))
        lines = [line for shape in slide.shapes for line in _shape(shape)]
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            notes = slide.notes_slide.notes_text_frame.text.strip()
            lines += ["", f"Notes: {notes}"] if notes else []
        yield "\n".join(lines)


def _shape(shape: Any) -> Iterator[str]:
    if shape.shape_type == 6:  # a group
        for inner in shape.shapes:
            yield from _shape(inner)
    elif shape.has_text_frame:
        yield shape.text_frame.text.replace("\v", "\n")
    elif getattr(shape, "has_table", False):
        yield from _table_of_slide(shape.table)


def _table_of_slide(table: Any) -> Iterator[str]:
    for row in table.rows:
        yield "\t".join(" ".join(cell.text.split()) for cell in row.cells)


def _xlsx(path: Path, on_stage: Stage) -> Iterator[str]:
    from python_calamine import CalamineWorkbook

    workbook = CalamineWorkbook.from_path(str(path))
    for number, name in enumerate(workbook.sheet_names):
        on_stage("reading", number, len(workbook.sheet_names))
        rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=True)
        if rows:
            yield "\n".join([name, *("\t".join(map(_cell, row)).rstrip() for row in rows)])


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())
