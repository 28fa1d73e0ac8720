"""Which files are read, told by their content first and their name second."""

from pathlib import PurePath

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HTML = "text/html"
EML = "message/rfc822"
MARKDOWN = "text/markdown"
TEXT = "text/plain"
CSV = "text/csv"
JSON = "application/json"
OLE = "application/x-ole-storage"

SUPPORTED = {
    PDF: "PDF",
    DOCX: "DOCX",
    PPTX: "PPTX",
    XLSX: "XLSX",
    HTML: "HTML",
    EML: "EML",
    MARKDOWN: "MD",
    TEXT: "TXT",
    CSV: "CSV",
    JSON: "JSON",
    # Recognised so that the reader can say what is wrong: encrypted, or an old format to be saved anew.
    OLE: "DOCX",
}
BY_EXTENSION = {
    "pdf": PDF,
    "docx": DOCX,
    "pptx": PPTX,
    "xlsx": XLSX,
    "html": HTML,
    "htm": HTML,
    "xhtml": HTML,
    "eml": EML,
    "md": MARKDOWN,
    "markdown": MARKDOWN,
    "txt": TEXT,
    "text": TEXT,
    "log": TEXT,
    "rst": TEXT,
    "csv": CSV,
    "tsv": CSV,
    "json": JSON,
}
EXTENSIONS = tuple(BY_EXTENSION)
OFFICE = {b"word/": DOCX, b"ppt/": PPTX, b"xl/": XLSX}
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def media_type_of(name: str, head: bytes) -> str | None:
    """The media type of a file from its first bytes (up to a megabyte) and its name; None when it is not read."""
    extension = PurePath(name).suffix.lower().lstrip(".")
    named = BY_EXTENSION.get(extension)
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return OLE
    if head.startswith(b"PK\x03\x04"):
        return _office(head) or (named if named in OFFICE.values() else None)
    if named in (PDF, DOCX, PPTX, XLSX):
        return named  # damaged beyond recognition: the reader will say so
    if b"\0" in head[:4096] and not head.startswith(UTF16_MARKS):
        return None
    return named or _text(extension, head)


def _office(head: bytes) -> str | None:
    found = [(head.find(member), kind) for member, kind in OFFICE.items() if member in head]
    return min(found)[1] if found else None


def _text(extension: str, head: bytes) -> str | None:
    start = head[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return HTML
    return TEXT if not extension else None
