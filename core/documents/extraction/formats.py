"""The formats that are read, and how a file's format is found: by its content first, then by its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HTML = "text/html"
EML, MSG = "message/rfc822", "application/vnd.ms-outlook"
TXT = "text/plain"
PNG, JPEG, TIFF, WEBP = "image/png", "image/jpeg", "image/tiff", "image/webp"
PICTURES = (PNG, JPEG, TIFF, WEBP)
# Its files become documents; it has no text itself.
ZIP = "application/zip"
# Word, Excel and PowerPoint before 2007, and newer ones with a password. Never read: `extract` says what to do.
OLE = "application/x-ole-storage"


@dataclass(frozen=True)
class Format:
    """`reader` is the module of this package that reads it."""

    label: str
    reader: str
    extensions: tuple[str, ...]
    paged: bool = False


FORMATS: Mapping[str, Format] = {
    PDF: Format("PDF", "pdf", ("pdf",), paged=True),
    DOCX: Format("DOCX", "word", ("docx", "docm", "dotx")),
    PPTX: Format("PPTX", "slides", ("pptx", "pptm", "ppsx"), paged=True),
    XLSX: Format("XLSX", "sheets", ("xlsx", "xlsm"), paged=True),
    HTML: Format("HTML", "html", ("html", "htm", "xhtml")),
    EML: Format("EML", "mail", ("eml", "mbox")),
    MSG: Format("MSG", "msg", ("msg",)),
    "text/markdown": Format("Markdown", "plain", ("md", "markdown")),
    TXT: Format("TXT", "plain", ("txt", "text", "log", "rst")),
    "text/csv": Format("CSV", "plain", ("csv", "tsv")),
    "application/json": Format("JSON", "plain", ("json", "jsonl")),
    PNG: Format("PNG", "picture", ("png",), paged=True),
    JPEG: Format("JPEG", "picture", ("jpg", "jpeg"), paged=True),
    TIFF: Format("TIFF", "picture", ("tif", "tiff"), paged=True),
    WEBP: Format("WEBP", "picture", ("webp",), paged=True),
}
OFFICE = (DOCX, PPTX, XLSX)
# The old ones count as supported, so that they reach `extract`, whose error says what to do about them.
SUPPORTED: Mapping[str, str] = {media_type: known.label for media_type, known in FORMATS.items()} | {
    OLE: "DOCX",
    ZIP: "ZIP",
}
EXTENSIONS: tuple[str, ...] = (*(extension for known in FORMATS.values() for extension in known.extensions), "zip")

_BY_EXTENSION = {extension: media_type for media_type, known in FORMATS.items() for extension in known.extensions}
_BY_EXTENSION["zip"] = ZIP
_BY_FOLDER = {b"word/": DOCX, b"ppt/": PPTX, b"xl/": XLSX}

OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP_SIGNATURE = b"PK\x03\x04"
_PICTURE_STARTS = {b"\x89PNG": PNG, b"\xff\xd8\xff": JPEG, b"II*\x00": TIFF, b"MM\x00*": TIFF}
# Binary content, never read as text, whatever the name.
_FOREIGN_SIGNATURES = (
    b"GIF8",
    b"RIFF",
    b"{\\rtf",
    b"\x1f\x8b",
    b"BZh9",
    b"\xfd7zXZ",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!",
    b"\x7fELF",
    b"SQLite format 3\x00",
    b"PAR1",
)
# By which files of Office begin; an archive may hold folders of these names, too.
_OFFICE_START = (b"[Content_Types].xml", b"_rels/", b"docProps/")
_ZIP_MEMBER = re.compile(rb"PK\x03\x04.{26}(word/|ppt/|xl/)", re.DOTALL)
_HTML_START = re.compile(
    rb"(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)[\s>]", re.I | re.DOTALL
)
_MAIL_START = re.compile(
    rb"(?:From \S.*\r?\n)?(?:Return-Path|Received|Delivered-To|MIME-Version|Message-ID|From|Date|Subject):.*\r?\n"
    rb"(?:[ \t].*\r?\n|[!-9;-~]+:.*\r?\n)*",
    re.I,
)


def media_type_of(name: str, head: bytes) -> str | None:
    """`head` is the start of the file, the more of it the surer. None: not one of the known types."""
    by_name = _BY_EXTENSION.get(name.rpartition(".")[2].lower()) if "." in name else None
    start = head[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"%PDF-"):
        return PDF
    if head.startswith((_ZIP_SIGNATURE, OLE_SIGNATURE)):
        return _of_container(name, head, by_name if by_name in (*OFFICE, MSG) else None)
    for signature, media_type in _PICTURE_STARTS.items():
        if head.startswith(signature):
            return media_type
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head.startswith(_FOREIGN_SIGNATURES):
        return None
    return HTML if _HTML_START.match(start) else by_name or _of_unnamed_text(name, start)


def _of_container(name: str, head: bytes, by_name: str | None) -> str | None:
    if head.startswith(OLE_SIGNATURE):
        return by_name or OLE
    is_named = name.lower().endswith(".zip")
    if is_named and not head[30:].startswith(_OFFICE_START):
        return ZIP
    member = _ZIP_MEMBER.search(head)
    return _BY_FOLDER[member[1]] if member else by_name or (ZIP if is_named else None)


def _of_unnamed_text(name: str, start: bytes) -> str | None:
    if _is_mail(start):
        return EML
    return TXT if "." not in name and b"\0" not in start else None


def _is_mail(start: bytes) -> bool:
    headers = _MAIL_START.match(start)
    return headers is not None and len(re.findall(rb"^[!-9;-~]+:", headers[0], re.MULTILINE)) >= 3
