"""What DOCX, PPTX and XLSX have in common: the containers they come in, and XML that is walked by local names.

Local names, because the strict variant of the formats has other namespaces.
"""

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree

from core.documents.extraction import failures
from core.documents.extraction.formats import OLE_SIGNATURE
from core.errors import ExtractionError

# Streams that show what an OLE file is, and what to do about it.
_OLE_STREAMS = (
    ("WordDocument", "Open it in Word or LibreOffice and save as DOCX"),
    ("Workbook", "Open it in Excel or LibreOffice and save as XLSX"),
    ("Book", "Open it in Excel or LibreOffice and save as XLSX"),
    ("PowerPoint Document", "Open it in PowerPoint or LibreOffice and save as PPTX"),
    ("__properties_version1.0", "Give it a name that ends in .msg"),
)


def check_container(path: Path, limit: int) -> None:
    """Raises ExtractionError for what must not be opened: old formats, passwords, and bombs over `limit` bytes."""
    with path.open("rb") as file:
        if file.read(len(OLE_SIGNATURE)) == OLE_SIGNATURE:
            raise explain_ole(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile:
        raise failures.corrupt("it is cut off, or not what its name says") from None
    if any(member.flag_bits & 1 for member in members):
        raise failures.encrypted()
    size = sum(member.file_size for member in members)
    if size > limit:
        raise failures.too_large(f"it unpacks to {size / 1e6:,.0f} MB, {limit / 1e6:,.0f} MB are allowed")


def explain_ole(path: Path) -> ExtractionError:
    data = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in data:
        return failures.encrypted()
    for stream, remedy in _OLE_STREAMS:
        if stream.encode("utf-16-le") in data:
            return failures.unknown_type(remedy)
    return failures.unknown_type("Save it as DOCX, PPTX, XLSX or PDF")


def local(element: etree._Element) -> str:
    """The name without its namespace, empty for a comment."""
    tag = element.tag
    return _local(tag) if isinstance(tag, str) else ""


@lru_cache(maxsize=4096)
def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def within(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The nearest descendants of that name, not those inside of them."""
    for child in element:
        if local(child) == name:
            yield child
        else:
            yield from within(child, name)


def xml(blob: bytes) -> etree._Element:
    """Nothing is fetched, and no entity is resolved."""
    return etree.fromstring(blob, etree.XMLParser(resolve_entities=False, no_network=True))


def related(relations: Iterable[Any], kind: str) -> Iterator[Any]:
    """Parts that relations of a kind lead to, within the file. Of python-docx as of python-pptx."""
    for relation in relations:
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            yield relation.target_part


def blob_of(relations: Mapping[str, Any], link: str) -> bytes | None:
    """The bytes of the part that a relation leads to; None where it lies outside of the file, or is none."""
    found = relations.get(link)
    return None if found is None or found.is_external else bytes(found.target_part.blob)


def named(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Children of that name."""
    return (child for child in element if local(child) == name)


def get(element: etree._Element, name: str) -> str:
    """An attribute, whatever its namespace; empty where there is none."""
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")


def val(element: etree._Element) -> str:
    return get(element, "val")


def switched_on(element: etree._Element) -> bool:
    """A property that is there is on, unless it says that it is off."""
    return val(element) not in ("0", "false", "off")
