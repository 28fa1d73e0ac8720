"""HTML: the text that a browser shows. Nothing is fetched."""

import re
from pathlib import Path

from lxml import etree

from core.extraction import failures
from core.extraction.charset import decode
from core.extraction.pages import Pages

_SKIPPED = frozenset(
    "script style template noscript svg iframe object embed canvas audio video select datalist".split()
)
_BLOCKS = frozenset(
    """address article aside blockquote body dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header
    hr li main nav ol p pre section summary details table caption title ul center""".split()
)
_APART = frozenset("blockquote dl figure h1 h2 h3 h4 h5 h6 ol p pre table title ul".split())
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_META_CHARSET = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w-]+)""", re.I)
_XML_ENCODING = re.compile(rb"""<\?xml[^>]{1,100}?encoding\s*=\s*["']([\w-]+)""", re.I)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")

# Stand-ins until all text is together. None of them is left in what comes in.
_KEPT_SPACE, _CELL_END, _ROW_END = "\x00", "\x01", "\x02"


def read(path: Path, pages: Pages) -> None:
    data = path.read_bytes()
    pages.add(visible_text(decode(data, declared_charset(data))))


def declared_charset(data: bytes) -> str | None:
    head = data[:4096]
    found = _META_CHARSET.search(head) or _XML_ENCODING.match(head.lstrip())
    return found[1].decode("ascii", "ignore") if found else None


def visible_text(html: str) -> str:
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    source = _CONTROL.sub("", html).encode("utf-8", "ignore")
    if not source.strip():
        return ""
    root = etree.fromstring(source, parser)
    if root is None:
        raise failures.corrupt("it is not HTML")
    return _tidy("".join(_pieces(root)))


def _pieces(root: etree._Element) -> list[str]:
    pieces: list[str] = []
    preformatted = 0
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        name = element.tag
        if event == "start":
            if _is_hidden(element):
                walk.skip_subtree()
                continue
            pieces.append(_edge(name))
            preformatted += name == "pre"
            pieces.append(_run(element.text, preformatted))
            continue
        if not _is_hidden(element):
            preformatted -= name == "pre"
            pieces.append(_CELL_END if name in ("td", "th") else _ROW_END if name == "tr" else _edge(name))
        pieces.append(_run(element.tail, preformatted))
    return pieces


def _is_hidden(element: etree._Element) -> bool:
    return element.tag in _SKIPPED or "hidden" in element.attrib or bool(_HIDDEN.search(element.get("style", "")))


def _edge(name: str) -> str:
    if name in _APART:
        return "\n\n"
    return "\n" if name in _BLOCKS or name == "br" else ""


def _run(text: str | None, preformatted: int) -> str:
    if not text:
        return ""
    return text.replace(" ", _KEPT_SPACE) if preformatted else re.sub(r"[ \t\r\n\f]+", " ", text)


def _tidy(text: str) -> str:
    text = re.sub(rf"\s*{_CELL_END}\s*{_ROW_END}", "\n", text).replace(_ROW_END, "\n")
    text = re.sub(rf"\s*{_CELL_END}\s*", "\t", text)
    text = re.sub(r" *\n *", "\n", re.sub(r" {2,}", " ", text))
    return re.sub(r"\n{3,}", "\n\n", text).strip().replace(_KEPT_SPACE, " ")
