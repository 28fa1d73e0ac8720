"""HTML: the text that a browser shows. Nothing is fetched."""

import re
from pathlib import Path

from lxml import etree

from core.documents.extraction.charset import decode
from core.documents.extraction.html_flat import flattened
from core.documents.extraction.html_left_out import breaks_off, leave_out
from core.documents.extraction.html_lists import Lists
from core.documents.extraction.pages import Pages

_SKIPPED = "script style template noscript svg iframe object embed canvas audio video select datalist"
_APART = "blockquote dl figure h1 h2 h3 h4 h5 h6 ol p pre table title ul"
_ON_ITS_OWN = """address article aside body caption center dd details div dt fieldset figcaption footer form header
hr li main nav section summary"""
_SKIPPED_TAGS = frozenset(_SKIPPED.split())
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_META_CHARSET = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w-]+)""", re.I)
_XML_ENCODING = re.compile(rb"""<\?xml[^>]{1,100}?encoding\s*=\s*["']([\w-]+)""", re.I)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")

# Stand-ins until all text is together; what comes in holds none of them.
_KEPT = str.maketrans({" ": "\x00", "\n": "\x01"})
_UNKEPT = {0: " ", 1: "\n"}
_CELL_END, _ROW, _ROW_END, _LINE, _PARAGRAPH = "\x02", "\x03", "\x04", "\x05", "\x06"
_EDGES = dict.fromkeys(_ON_ITS_OWN.split(), _LINE) | dict.fromkeys(_APART.split(), _PARAGRAPH)
_ENDS = _EDGES | {"td": _CELL_END, "th": _CELL_END, "tr": _ROW_END, "br": "\n"}
_STARTS = _EDGES | {"tr": _ROW}


def read(path: Path, pages: Pages) -> None:
    data = path.read_bytes()
    pages.add(visible_text(decode(data, declared_charset(data)), pages))


def declared_charset(data: bytes) -> str | None:
    head = data[:4096]
    found = _META_CHARSET.search(head) or _XML_ENCODING.match(head.lstrip())
    return found[1].decode("ascii", "ignore") if found else None


def visible_text(html: str, pages: Pages | None) -> str:
    """`pages` is told what is left out."""
    html = html.replace("\0", "")
    if not html.strip():
        return ""
    root, parser = _parsed(html)
    if breaks_off(parser):
        root, parser = _parsed(flattened(html))
    if root is None:
        return ""  # nothing but comments
    if pages is not None:
        leave_out(root, parser, _is_hidden, pages)
    return _tidy("".join(_pieces(root)))


def _parsed(html: str) -> tuple[etree._Element | None, etree.HTMLParser]:
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    source = html.encode("utf-8", "ignore")
    return (etree.fromstring(source, parser) if source.strip() else None), parser


def _pieces(root: etree._Element) -> list[str]:
    pieces: list[str] = []
    preformatted = 0
    hidden: etree._Element | None = None
    lists = Lists()
    numbers: list[tuple[etree._Element, str]] = []  # of items whose text has not begun
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        name = element.tag
        if event == "start" and _is_hidden(element):
            hidden = element
            walk.skip_subtree()
            continue
        if event == "start":
            preformatted += name == "pre"
            if number := lists.begin(element):
                numbers.append((element, number))
            pieces.append(_STARTS.get(name, ""))
            run = _run(element.text, preformatted)
        else:
            if element is not hidden:
                preformatted -= name == "pre"
                lists.end(element)
                if numbers and numbers[-1][0] is element:  # an empty item
                    pieces.append(numbers.pop()[1])
                pieces.append(_ENDS.get(name, ""))
            run = _run(element.tail, preformatted)
        if numbers and run.strip():
            pieces += [f"{number} " for _, number in numbers]
            numbers.clear()
            run = run.lstrip()
        pieces.append(run)
    return pieces


def _is_hidden(element: etree._Element) -> bool:
    if element.tag in _SKIPPED_TAGS or element.get("hidden") is not None:
        return True
    style = element.get("style")
    return style is not None and _HIDDEN.search(style) is not None


def _run(text: str | None, preformatted: int) -> str:
    if not text:
        return ""
    text = _CONTROL.sub("", text)
    return text.replace("\r", "").translate(_KEPT) if preformatted else _SPACES.sub(" ", text)


def _tidy(text: str) -> str:
    text = re.sub(rf"[ \n{_LINE}{_PARAGRAPH}]+", _gap, text)
    text = re.sub(rf" *\n*{_CELL_END}[ \n]*", "\t", text)
    text = re.sub(rf"[ \t]*{_ROW_END} *", "", text)
    text = re.sub(rf" *(\n*) *{_ROW}[ \n]*", lambda row: row[1] or "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip(" \n").translate(_UNKEPT).strip("\n")


def _gap(run: re.Match[str]) -> str:
    """Blocks inside blocks make one new line, paragraphs a blank line, and <br> as many as there are, up to two: what
    is looked for in long rows of them would take hours."""
    if _PARAGRAPH in run[0]:
        return "\n\n"
    return "\n" * min(2, max(run[0].count("\n"), _LINE in run[0])) or " "
