"""The parts of an Office file by name, and their relations."""

import posixpath
import zipfile
from collections.abc import Iterator

from lxml import etree

from core.documents.extraction import failures
from core.documents.extraction.office import local


class Package:
    """Names of parts without a slash in front; upper and lower case are one."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {name.lstrip("/").lower(): name for name in archive.namelist()}
        offices = (target for kind, target in self.relations("").values() if kind == "officeDocument")
        self.main = next(offices, "xl/workbook.xml")

    def has(self, part: str) -> bool:
        return part.lower() in self._names

    def bytes(self, part: str) -> bytes:
        name = self._names.get(part.lower())
        return self._archive.read(name) if name else b""

    def xml(self, part: str) -> etree._Element:
        data = self.bytes(part)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        return etree.fromstring(data, parser) if data else etree.Element("none")

    def elements(self, part: str, names: tuple[str, ...]) -> Iterator[etree._Element]:
        """Each element of one of these names when it has ended; what was yielded before is forgotten, so that a part
        of hundreds of megabytes passes. Characters that XML forbids are left out, any other fault is an error."""
        if not self.has(part):
            return
        tags = [f"{{*}}{name}" for name in names]
        with self._archive.open(self._names[part.lower()]) as file:
            found = etree.iterparse(
                file, tag=tags, recover=True, resolve_entities=False, no_network=True, huge_tree=True
            )
            for _, element in found:
                yield element
                element.clear()
                while element.getprevious() is not None and local(element.getprevious()) == local(element):
                    del element.getparent()[0]
            faults = [fault for fault in found.error_log if fault.type != etree.ErrorTypes.ERR_INVALID_CHAR]
        if faults:
            raise failures.corrupt(f"{posixpath.basename(part)} in it is not well formed")

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Kind and target by id."""
        folder, name = posixpath.split(part)
        found = {}
        for one in self._related(f"{folder}/_rels/{name}.rels".lstrip("/")):
            target = str(one.get("Target", ""))
            inside = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            external = one.get("TargetMode") == "External"
            kind = str(one.get("Type", "")).rpartition("/")[2]
            found[str(one.get("Id"))] = kind, target if external else inside
        return found

    def _related(self, part: str) -> Iterator[etree._Element]:
        return (one for one in self.xml(part) if local(one) == "Relationship")


def link(element: etree._Element) -> str:
    """r:id."""
    return next((str(value) for key, value in element.attrib.items() if str(key).endswith("}id")), "")
