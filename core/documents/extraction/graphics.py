"""Charts and diagrams (SmartArt) of DOCX and PPTX, as lines.

A chart keeps the figures that it shows beside its drawing: one line per category, tab-separated, the series' names
above. Colours and shapes say nothing here.
"""

from collections.abc import Iterator
from math import isfinite

from lxml import etree

from core.documents.extraction.number_digits import general
from core.documents.extraction.number_formats import number_format
from core.documents.extraction.office import get, local, named, switched_on, within
from core.documents.extraction.struck import marked, of_drawing

_CHART, _CHART_EX, _DIAGRAM = "/chart", "/chartex", "/diagram"
_CATEGORIES, _VALUES = ("cat", "xVal"), ("val", "yVal", "bubbleSize")
# The reader's own machine decides the form of these dates: ISO, as in sheets.
_OF_THE_MACHINE = dict.fromkeys(("m/d/yyyy", "m/d/yy"), "yyyy-mm-dd")


def relation_of(graphic: etree._Element) -> str:
    """Of a `graphicData`: where the chart's or diagram's part is; empty where it is neither."""
    kind = graphic.get("uri", "")
    if kind.endswith((_CHART, _CHART_EX)):
        return next((get(one, "id") for one in graphic if local(one) == "chart"), "")
    return next((get(one, "dm") for one in graphic if local(one) == "relIds"), "") if kind.endswith(_DIAGRAM) else ""


def is_graphic(element: etree._Element) -> bool:
    return local(element) == "graphicData" and element.get("uri", "").endswith((_CHART, _CHART_EX, _DIAGRAM))


def lines(root: etree._Element) -> list[str]:
    """Of a chart's or a diagram's part; none where it keeps no figures."""
    if local(root) != "chartSpace":
        return list(paragraphs(root))
    written = [" ".join(paragraphs(one)) for one in root.iter() if local(one) == "rich"]
    titles = [
        " ".join(_points(one).values())
        for title in root.iter()
        if local(title) == "title"
        for one in within(title, "strRef")
    ]
    series = [one for one in root.iter() if local(one) == "ser"]
    figures = _table(series) if series else list(_newer(root))
    return [line for line in (*titles, *written, *figures) if line.strip()] if figures else []


def paragraphs(element: etree._Element) -> Iterator[str]:
    for paragraph in element.iter():
        if local(paragraph) == "p":
            text = marked("".join(_characters(paragraph)))
            if text.strip():
                yield text


def _characters(paragraph: etree._Element) -> Iterator[str]:
    for one in paragraph.iter():
        if local(one) == "t":
            yield of_drawing(one, one.text or "")
        elif local(one) in ("br", "tab"):
            yield " "


def _table(series: list[etree._Element]) -> list[str]:
    """None where a series keeps no values. Series with the same categories stand side by side."""
    found: list[tuple[dict[int, str], list[str], list[dict[int, str]]]] = []
    for one in series:
        parts = {local(child): child for child in one}
        values = [points for kind in _VALUES if kind in parts and (points := _points(parts[kind]))]
        if not values:
            return []
        categories = next((_points(parts[kind]) for kind in _CATEGORIES if kind in parts), {})
        name = " ".join(_points(parts["tx"]).values()) if "tx" in parts else ""
        if found and found[-1][0] == categories:
            found[-1][1].extend([name, *[""] * (len(values) - 1)])
            found[-1][2].extend(values)
        else:
            found.append((categories, [name, *[""] * (len(values) - 1)], values))
    return [line for categories, names, columns in found for line in _rows(categories, names, columns)]


def _rows(categories: dict[int, str], names: list[str], columns: list[dict[int, str]]) -> Iterator[str]:
    if any(names):
        yield "\t".join(["", *names])
    for at in sorted({number for one in (categories, *columns) for number in one}):
        yield "\t".join(one.get(at, "") for one in (categories, *columns))


def _points(element: etree._Element) -> dict[int, str]:
    """Texts or numbers by their place; of categories in several levels the outer ones come first."""
    levels = [one for one in element.iter() if local(one) == "lvl"]
    if levels:
        return _joined([_of_cache(one, "") for one in levels])
    for cache in element.iter():
        if local(cache) in ("strCache", "numCache", "strLit", "numLit"):
            code = next((one.text or "" for one in named(cache, "formatCode")), "")
            return _of_cache(cache, code, date1904=_counts_from_1904(element))
    alone = next(named(element, "v"), None)
    return {} if alone is None else {0: alone.text or ""}


def _joined(levels: list[dict[int, str]]) -> dict[int, str]:
    """An outer category is written where it begins. `levels`: innermost first."""
    joined: dict[int, str] = {}
    last = [""] * len(levels)
    for at in sorted({number for one in levels for number in one}):
        last = [
            one.get(at, before if depth else "") for depth, (one, before) in enumerate(zip(levels, last, strict=True))
        ]
        joined[at] = " / ".join(one for one in reversed(last) if one)
    return joined


def _counts_from_1904(element: etree._Element) -> bool:
    root = element.getroottree().getroot()
    return any(switched_on(one) for one in named(root, "date1904"))


def _of_cache(cache: etree._Element, code: str, *, date1904: bool = False) -> dict[int, str]:
    found: dict[int, str] = {}
    for point in named(cache, "pt"):
        at = get(point, "idx")
        value = next((one.text or "" for one in named(point, "v")), point.text or "")
        if at.isdecimal() and len(at) < 10:
            found[int(at)] = " ".join(shown(value, get(point, "formatCode") or code, date1904=date1904).split())
    return found


def shown(value: str, code: str, *, date1904: bool = False) -> str:
    """A number as its format shows it."""
    try:
        number = float(value)
    except ValueError:
        return value
    if not code or not isfinite(number):
        return value
    form = number_format(_OF_THE_MACHINE.get(code.lower(), code))
    return general(number) if form is None else form.number(number, date1904).strip()


def _newer(root: etree._Element) -> Iterator[str]:
    """Kinds of charts since 2016, such as waterfalls: their data stand apart from their series."""
    for series in (one for one in root.iter() if local(one) == "series"):
        names = [one.text or "" for tx in named(series, "tx") for one in tx.iter() if local(one) == "v"]
        yield " ".join(names)
    for data in (one for one in root.iter() if local(one) == "data"):
        columns = []
        for dimension in (one for one in data if local(one) in ("strDim", "numDim")):
            levels = [_of_cache(one, get(one, "formatCode")) for one in named(dimension, "lvl")]
            columns.append(_joined(levels))
        yield from _rows({}, [], columns) if len(columns) < 1 else _rows(columns[0], [], columns[1:])
