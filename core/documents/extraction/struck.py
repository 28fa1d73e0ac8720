"""Words that are struck out stay in their place, in brackets that say so: unmarked, the price of before would stand
beside that of now."""

import re

from lxml import etree

from core.documents.extraction.office import named

STRUCK = "[Struck out: "
# Around them until their paragraph is whole; no text that is read so holds either.
_START, _END = "\x0e", "\x0f"
# Of one line, without blanks around it; of those, HTML's kept ones are \0 and \1.
_WORDS = re.compile(r"[^\s\x00\x01](?:[^\n\t\x01]*[^\s\x00\x01])?")
_GAP = re.compile(f"{_END}([ \x00]*){_START}")


def struck(text: str) -> str:
    """Marked line by line, once `marked` has seen it."""
    return _WORDS.sub(f"{_START}\\g<0>{_END}", without_marks(text))


def without_marks(text: str) -> str:
    return text.replace(_START, "").replace(_END, "")


def marked(text: str) -> str:
    """What was struck out in several pieces is one passage."""
    if _START not in text:
        return text
    return _GAP.sub(r"\1", text).replace(_START, STRUCK).replace(_END, "]")


def of_drawing(element: etree._Element, text: str) -> str:
    """`text` of a `t` of a slide, a text box or a diagram."""
    run = element.getparent()
    lines = (one.get("strike", "noStrike") for one in named(run, "rPr")) if run is not None else iter(())
    return struck(text) if next(lines, "noStrike") != "noStrike" else text
