"""What a document does not hold, in words: one place for pages and API. Nothing of the document itself is in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.documents.report import SumUp
from core.tables.documents import DocumentWarning

# Runs of page numbers that a sentence names.
MOST_RUNS = 12
ALL = "All of it is in the text."
NOT_KNOWN = "An older release read it: whether all of it is in the text is not known. Read it again to know."


@dataclass(frozen=True)
class Words:
    """One of them, many of them, and the sentence around them. `remedy`: what to do about it."""

    one: str
    many: str
    sentence: str
    remedy: str = ""

    def count(self, number: int) -> str:
        return f"{number:,} {self.one if number == 1 else self.many}"


# What weighs most comes first.
WORDS: dict[str, Words] = {
    "PAGES_WITHOUT_TEXT": Words(
        "page without text",
        "pages without text",
        "{what}, or with hardly any beside a picture{where}: no words were recognized there.",
        "If some stand there, such as handwriting, upload them as a text, too. A document with more pictures than "
        "EXTRACTION_OCR_PAGES is to be split.",
    ),
    "WORDS_UNSURE": Words(
        "page or picture that is hard to read",
        "pages or pictures that are hard to read",
        "{what}{where}: some words were recognized wrongly or not at all.",
        "Scan it sharper, in 300 dots per inch; Cyrillic, Greek, Arabic and other letters than Latin, Chinese and "
        "Japanese ones are not recognized.",
    ),
    "REST_UNREAD": Words(
        "place that breaks off",
        "places that break off",
        "{what}: from there on nothing was read, because it is nested too deep.",
        "Save the file in another format, such as PDF or TXT, then upload it again.",
    ),
    "ENCRYPTED_UNREAD": Words(
        "encrypted part",
        "encrypted parts",
        "{what}{where} not read.",
        "Open the file in its own program, save it without encryption, then upload it again.",
    ),
    "CELLS_WITHOUT_VALUE": Words(
        "cell without a result",
        "cells without a result",
        "{what}{where}: a formula that nobody has calculated yet stands there itself.",
        "Open the file in Excel or LibreOffice, save it, then upload it again.",
    ),
    "ATTACHMENTS_UNREAD": Words(
        "attached file",
        "attached files",
        "{what}{where} not read.",
        "To ask about a file that came inside another, save it and upload it by itself. A mail's text names it.",
    ),
    "PARTS_UNREAD": Words(
        "other part",
        "other parts",
        "{what}{where} not read, such as an embedded page, a box in a form, a sheet that is no table, or the time and "
        "place of an appointment.",
    ),
    "CHARTS_UNREAD": Words("chart", "charts", "{what}{where} not read; diagrams count as charts."),
    "PICTURES_UNREAD": Words("picture", "pictures", "{what}{where} not read: words in them are not in the text."),
    "OCR_OFF": Words(
        "picture that nobody looked at",
        "pictures that nobody looked at",
        "{what}{where}: recognizing words in pictures (OCR) is switched off.",
        "Set EXTRACTION_OCR=on, then read the document again.",
    ),
    "COMMENTS_UNREAD": Words("comment", "comments", "{what}{where} not read; notes on a page count as comments."),
    "CHARACTERS_UNREAD": Words(
        "unreadable character",
        "unreadable characters",
        "{what}{where}: bytes that are no text, or signs of a font that does not tell what they mean.",
    ),
    "NUMBERS_UNREAD": Words(
        "paragraph's number",
        "paragraphs' numbers",
        "{what}{where} left out: the program that shows the file counts in a way that is not known here.",
    ),
    "HIDDEN_UNREAD": Words(
        "hidden passage", "hidden passages", "{what}{where} left out; deleted ones count as hidden."
    ),
}
ORDER = {code: number for number, code in enumerate(WORDS)}
# What a newer release has found.
UNKNOWN = Words("other thing", "other things", "{what}{where} not read.")


def in_order(warnings: Iterable[DocumentWarning]) -> list[DocumentWarning]:
    return sorted(warnings, key=lambda one: ORDER.get(one.code, len(ORDER)))


def message(warning: DocumentWarning) -> str:
    words = WORDS.get(warning.code, UNKNOWN)
    sentence = words.sentence.format(what=words.count(warning.count), where=where(warning.pages))
    return f"{sentence} {words.remedy}".strip()


def briefly(warnings: Sequence[DocumentWarning]) -> str:
    """For a list: what is missing, without where."""
    return ", ".join(WORDS.get(one.code, UNKNOWN).count(one.count) for one in warnings)


def sum_up(read: SumUp) -> list[str]:
    """How many documents of a choice were read in part and what they lack, and of how many it is not known."""
    of = f"of {read.documents:,} document{'' if read.documents == 1 else 's'}"
    said = []
    if read.read_in_part:
        most_first = sorted(read.lacking.items(), key=lambda one: (-one[1], ORDER.get(one[0], len(ORDER))))
        lacking = ", ".join(f"{WORDS.get(code, UNKNOWN).many} in {number:,}" for code, number in most_first)
        was = "was" if read.read_in_part == 1 else "were"
        said.append(f"{read.read_in_part:,} {of} {was} read in part. Not in the text: {lacking}.")
    if read.not_known:
        was = "was" if read.not_known == 1 else "were"
        said.append(f"{read.not_known:,} {of} {was} read by an older release: what is missing is not known.")
    return said


def where(pages: Sequence[int]) -> str:
    """On which pages; empty where the format has none."""
    return f" ({on(pages)})" if pages else ""


def on(pages: Sequence[int]) -> str:
    """`page 2`, `pages 2-4, 7`."""
    runs = list(_runs(pages))
    shown = ", ".join(str(first) if first == last else f"{first}\N{EN DASH}{last}" for first, last in runs[:MOST_RUNS])
    more = " and others" if runs[MOST_RUNS:] else ""
    return f"page{'s' if len(pages) > 1 else ''} {shown}{more}"


def _runs(pages: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each row of neighbours. `pages` are sorted."""
    breaks = [number for number, (a, b) in enumerate(pairwise(pages), start=1) if b > a + 1]
    return [(pages[begin], pages[end - 1]) for begin, end in zip([0, *breaks], [*breaks, len(pages)], strict=True)]
