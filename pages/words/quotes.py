"""What was found of an insight's quotes."""

from core.insights.document_report import Passage
from core.insights.evidence_report import EvidenceRow, Place
from pages.common import formats

# Of an insight: in no document stands what the model quoted, or it quoted nothing.
NO_SUPPORT = "no quote supports it"
# The same of one document, above a list.
NO_SUPPORT_HERE = "No quote from this document supports these:"

# What the marks in a document's text are.
LEGEND: dict[str | None, formats.Markdown] = {
    "found": ":green-background[quoted word for word]",
    "spelling": ":green-background[quoted with another spelling] (dotted)",
    "differs": ":orange-background[nearest to a quote in other words]",
}
THE_OPEN_ONE: formats.Markdown = ":yellow-background[the open quote]"


def link_to(place: Place | None, document: str) -> formats.Markdown:
    """Beside a quote: a link to where it stands, or that it was not found; empty where it was not looked up."""
    if place is None:
        return ""
    if place.start is None or place.end is None:
        return ":orange[:material/help: quote not found]"
    named: formats.Markdown = "in its document" if place.supported else "nearest passage"
    return f"[{named}](document?id={formats.plain(document)}&start={place.start:d}&end={place.end:d})"


def on_this_page(here: int, in_all: int, part: formats.Markdown) -> formats.Markdown:
    on = "on" if part == "page" else "in"
    return f"{here:,} {on} this {part}, of {in_all:,} in the whole document."


def beside(one: Passage) -> formats.Markdown:
    """What matters of an insight beside its passage; empty for an ordinary one."""
    facts = {
        "read by OCR": one.read_by_ocr is True,
        "in other words here": one.verdict == "differs",
        "another spelling here": one.verdict == "spelling",
        one.state: one.state != "new",
        "in quarantine": one.quarantined is True,
        "in conflict": one.open_conflicts > 0,
        f"{one.support:,} documents": one.support > 1,
    }
    return " · ".join(words for words, holds in facts.items() if holds)


# Beside a quote whose words were recognized in a picture.
BY_OCR = ":material/document_scanner: read by OCR"


def verdict(row: EvidenceRow) -> formats.Markdown:
    """What Cairn found when it looked the quote up; empty where it stands there as quoted."""
    name = formats.plain(row.document_name)
    if not row.quote:
        return f"The model gave no quote from {name}."
    if row.verdict == "spelling":
        return f"Stands in {name} with another spelling, as scanned text often has."
    if row.verdict == "differs":
        return f"{name} says it in other words than this quote."
    if row.verdict == "short":
        return f"Too short to be a quote from {name}: three words at least, or a figure of the statement."
    return "" if row.supported else f"Not found in {name}; the model gave this quote:"
