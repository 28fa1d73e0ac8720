"""DOCX: python-docx opens the package; the text is walked by `word_text`."""

import zipfile
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO

from docx.opc.package import OpcPackage, Unmarshaller
from docx.opc.part import Part
from docx.opc.pkgreader import PackageReader
from lxml import etree

from core.documents.extraction import failures, word_merged
from core.documents.extraction.drawings import LeftOut
from core.documents.extraction.numbering import Numbering
from core.documents.extraction.office import blob_of, get, local, related, within, xml
from core.documents.extraction.pages import Pages
from core.documents.extraction.word_notes import Notes
from core.documents.extraction.word_styles import Styles
from core.documents.extraction.word_text import Story

_BEFORE = ("header",)
_AFTER = ("footnotes", "endnotes", "footer")
# Documents merged into documents merged into documents.
MOST_DEEP = 3
MOST_MERGED_BYTES = 200_000_000


def read(path: Path, pages: Pages) -> None:
    pages.add(_Book(str(path), pages, 0).text())


class _Book:
    """A file of Word, or one that is merged into it."""

    def __init__(self, file: str | IO[bytes], pages: Pages, depth: int) -> None:
        package = OpcPackage()
        # Not python-docx's own parts: they parse all that calls itself a document, merged-in files too.
        Unmarshaller.unmarshal(PackageReader.from_file(file), package, _part)  # type: ignore[no-untyped-call]
        main = next(related(package.rels.values(), "officeDocument"), None)
        if main is None:
            raise failures.corrupt("it holds no Word document")
        self.pages = pages
        self._main, self._depth = main, depth
        self._roots: dict[Part, etree._Element] = {}
        self.styles = Styles(self._all("styles"))
        self.numbering = Numbering(self._all("numbering"), self._all("styles"))
        self.notes = Notes(self.root(main), self._all("settings"))
        pages.leave_out("NUMBERS_UNREAD", count=self.notes.unread)
        self._pictures: dict[tuple[Part, str], str] = {}
        self._comments = {
            get(one, "id"): (part, one)
            for part in related(main.rels.values(), "comments")
            for one in within(self.root(part), "comment")
        }

    def root(self, part: Part) -> etree._Element:
        if part not in self._roots:
            self._roots[part] = xml(part.blob)
        return self._roots[part]

    def text(self) -> str:
        """Each section has headers of its own, which mostly say the same."""
        self._pictures = self._marked()
        before, after = (
            list(
                dict.fromkeys(
                    text
                    for kind in kinds
                    for part in related(self._main.rels.values(), kind)
                    if (text := self._told(part))
                )
            )
            for kinds in (_BEFORE, _AFTER)
        )
        body = self._told(self._main)
        for root in map(self.root, self._parts()):
            deleted = (
                one for one in root.iter() if local(one) == "del" and any(local(i) == "delText" for i in one.iter())
            )
            self.pages.leave_out("HIDDEN_UNREAD", count=sum(1 for _ in deleted))
        rest = [text for name in list(self._comments) if (text := self.comment(name))]
        return "\n".join([*before, body, *after, *rest, *self._pictures.values()])

    def _parts(self) -> list[Part]:
        relations = self._main.rels.values()
        return [self._main, *(part for kind in (*_BEFORE, *_AFTER, "comments") for part in related(relations, kind))]

    def _marked(self) -> dict[tuple[Part, str], str]:
        """The marks of pictures whose words are recognized."""
        marked: dict[tuple[Part, str], str] = {}
        left_out = LeftOut(self.pages)
        for part in self._parts():
            targets = {link: relation.target_ref for link, relation in part.rels.items()}
            _, marks = left_out.of(self.root(part), targets, blob=partial(blob_of, part.rels))
            marked |= {(part, link): mark for link, mark in marks.items()}
        return marked

    def picture(self, part: Part, link: str) -> str:
        """Its mark: once, where it stands first, or at the end."""
        return self._pictures.pop((part, link), "")

    def comment(self, name: str) -> str:
        """Each once: where its place in the text is, or at the end."""
        if name not in self._comments:
            return ""
        part, comment = self._comments.pop(name)
        said = " ".join(" ".join(Story(self, part).lines(comment)).split())
        author = " ".join(get(comment, "author").split())
        return f"[Comment{f' by {author}' if author else ''}: {said}]" if said else ""

    def merged(self, source: Part, relation: str) -> list[str]:
        """Lines of a file that Word shows in this place."""
        found = source.rels.get(relation)
        if found is None or found.is_external:
            self.pages.leave_out("PARTS_UNREAD")
            return []
        blob = found.target_part.blob
        if blob.startswith(b"PK\x03\x04"):
            return self._merged_document(blob)
        return word_merged.lines(found.target_part.content_type, blob, self.pages)

    def _merged_document(self, blob: bytes) -> list[str]:
        with zipfile.ZipFile(BytesIO(blob)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if self._depth >= MOST_DEEP or size > MOST_MERGED_BYTES:
            self.pages.leave_out("PARTS_UNREAD")
            return []
        return _Book(BytesIO(blob), self.pages, self._depth + 1).text().split("\n")

    def _told(self, part: Part) -> str:
        return "\n".join(Story(self, part).lines(self.root(part))).strip("\n")

    def _all(self, kind: str) -> list[etree._Element]:
        return [self.root(part) for part in related(self._main.rels.values(), kind)]


def _part(partname: str, content_type: str, reltype: str, blob: bytes, package: OpcPackage) -> Part:
    return Part(partname, content_type, blob, package)  # type: ignore[arg-type]
