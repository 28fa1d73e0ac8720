"""Numbers that Word counts by itself: they stand in no paragraph's text.

A paragraph names a list (`num`) and a level, itself or by its style; the list is an `abstractNum` with changes of its
own, and all lists of one `abstractNum` count on together unless one starts over (ECMA-376 part 1, 17.9).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml import etree

from core.documents.extraction import counted
from core.documents.extraction.office import get, local, named, switched_on, val
from core.documents.extraction.symbols import symbol

BULLET = "\u2022"
# Styles that are looked through for one paragraph: a chain of more is no style of a person's.
_DEEPEST_CHAIN = 50
_DEEPEST_LEVEL = 8
_LEVEL = re.compile("%([1-9])")
Place = tuple[str, int]


@dataclass(frozen=True)
class Level:
    form: str = "decimal"
    text: str | None = None
    start: int = 1
    after: str = " "
    legal: bool = False
    # The level above that starts this one over; None: any, 0: none.
    restarts: int | None = None
    style: str = ""


@dataclass
class _Counter:
    """Of one `abstractNum`, in one story."""

    values: dict[int, int] = field(default_factory=dict)
    # (list, level) whose own start has been used.
    started: set[Place] = field(default_factory=set)


class Numbering:
    def __init__(self, numbering: Iterable[etree._Element], styles: Iterable[etree._Element]) -> None:
        self._abstract: dict[str, dict[int, Level]] = {}
        self._by_style_link: dict[str, str] = {}
        self._links_to_style: dict[str, str] = {}
        self._lists: dict[str, str] = {}
        self._changes: dict[str, dict[int, Level]] = {}
        self._starts: dict[Place, int] = {}
        self._styles: dict[str, etree._Element] = {}
        self._of_styles: dict[str, tuple[str, int | None, str] | None] = {}
        self._default_style = ""
        for element in (one for root in numbering for one in root):
            if local(element) == "abstractNum":
                self._learn_abstract(element)
            elif local(element) == "num":
                self._learn_list(element)
        for style in (one for root in styles for one in root if local(one) == "style"):
            self._styles[get(style, "styleId")] = style
            if get(style, "type") == "paragraph" and get(style, "default") in ("1", "true", "on"):
                self._default_style = get(style, "styleId")

    def _learn_abstract(self, element: etree._Element) -> None:
        name = get(element, "abstractNumId")
        self._abstract[name] = {_int(get(one, "ilvl"), 0): _level(one) for one in named(element, "lvl")}
        for link in map(val, named(element, "styleLink")):
            self._by_style_link[link] = name
        for link in map(val, named(element, "numStyleLink")):
            self._links_to_style[name] = link

    def _learn_list(self, element: etree._Element) -> None:
        name = get(element, "numId")
        self._lists[name] = next(map(val, named(element, "abstractNumId")), "")
        for change in named(element, "lvlOverride"):
            level = _int(get(change, "ilvl"), 0)
            for one in named(change, "lvl"):
                self._changes.setdefault(name, {})[level] = _level(one)
            for start in map(val, named(change, "startOverride")):
                self._starts[name, level] = _int(start, 1)

    def place_of(self, paragraph: etree._Element) -> Place | None:
        """The list and the level of a paragraph, its own or its style's."""
        properties = next(named(paragraph, "pPr"), None)
        number, level, style = "", None, self._default_style
        if properties is not None:
            number, level = _numbered(properties)
            style = next(map(val, named(properties, "pStyle")), style)
        inherited = self._of_style(style) if style else None
        if inherited and not number:
            number = inherited[0]
        if number not in self._lists:
            return None  # 0 takes a style's number away
        if level is None and inherited:
            level = self._level_of_style(number, style, inherited)
        return number, min(max(level or 0, 0), _DEEPEST_LEVEL)

    def _level_of_style(self, number: str, style: str, inherited: tuple[str, int | None, str]) -> int | None:
        """Said by the list's level that names the style, or by the style."""
        levels = self.levels_of(number)
        for name in (style, inherited[2]):
            for level, one in levels.items():
                if one.style == name:
                    return level
        return inherited[1]

    def _of_style(self, name: str) -> tuple[str, int | None, str] | None:
        """List, level and the name of the style that says so: this one or one that it is based on."""
        above: list[str] = []
        found: tuple[str, int | None, str] | None = None
        while name in self._styles and name not in self._of_styles and len(above) < _DEEPEST_CHAIN:
            above.append(name)
            properties = next(named(self._styles[name], "pPr"), None)
            number, level = ("", None) if properties is None else _numbered(properties)
            if number:
                found = number, level, name
                break
            name = next(map(val, named(self._styles[name], "basedOn")), "")
        found = found or self._of_styles.get(name)
        self._of_styles |= dict.fromkeys(above, found)
        return found

    def abstract_of(self, number: str) -> str:
        """Where its levels stand: a list of the gallery names a style, which names the list that has them."""
        abstract = self._lists[number]
        if link := self._links_to_style.get(abstract):
            if link in self._by_style_link:
                return self._by_style_link[link]
            inherited = self._of_style(link)
            return self._lists.get(inherited[0], abstract) if inherited else abstract
        return abstract

    def levels_of(self, number: str) -> dict[int, Level]:
        levels = self._abstract.get(self.abstract_of(number), {})
        return levels | self._changes[number] if number in self._changes else levels

    def start_of(self, place: Place) -> int | None:
        return self._starts.get(place)


class Count:
    """The numbers of one story: the body, a header, the footnotes. `unread`: how many are counted in a way unknown."""

    def __init__(self, numbering: Numbering) -> None:
        self._numbering = numbering
        self._counters: dict[str, _Counter] = {}
        self.unread = 0

    def next(self, paragraph: etree._Element) -> str:
        """What stands before this paragraph, with the space after it; empty where nothing does."""
        place = self._numbering.place_of(paragraph)
        if place is None:
            return ""
        number, level = place
        levels = self._numbering.levels_of(number)
        counter = self._counters.setdefault(self._numbering.abstract_of(number), _Counter())
        self._count(counter, place, levels)
        mine = levels.get(level)
        if mine is not None and mine.form == "bullet":
            return f"{mine.text} " if mine.text else ""
        text = None if mine is None else self._shown(counter.values, level, levels)
        if mine is None or text is None:
            self.unread += 1
            return ""
        return text + mine.after if text else ""

    def _count(self, counter: _Counter, place: Place, levels: dict[int, Level]) -> None:
        number, level = place
        for one in range(level + 1):
            start = self._numbering.start_of((number, one))
            if start is not None and (number, one) not in counter.started:
                counter.started.add((number, one))
                counter.values.pop(one, None)
        values = counter.values
        if level in values:
            values[level] += 1
        else:
            values[level] = self._start(number, level, levels)
        for deeper in [one for one in values if one > level]:
            restarts = levels.get(deeper, Level()).restarts
            if restarts is None or level < restarts:
                del values[deeper]
        for above in range(level):  # skipped, and shown as if it were there
            values.setdefault(above, self._start(number, above, levels))

    def _start(self, number: str, level: int, levels: dict[int, Level]) -> int:
        start = self._numbering.start_of((number, level))
        return start if start is not None else levels.get(level, Level()).start

    def _shown(self, values: dict[int, int], level: int, levels: dict[int, Level]) -> str | None:
        mine = levels.get(level, Level())
        template = f"%{level + 1}." if mine.text is None else mine.text
        parts: dict[str, str] = {}
        for named_level in set(_LEVEL.findall(template)):
            at = int(named_level) - 1
            form = levels.get(at, Level()).form
            shown = (
                counted.shown(values[at], "decimal" if mine.legal and form != "none" else form) if at in values else ""
            )
            if shown is None:
                return None
            parts[named_level] = shown
        return _LEVEL.sub(lambda found: parts[found[1]], template)


def _level(element: etree._Element) -> Level:
    said = {local(one): one for one in element}
    form = next((one for one in element.iter() if local(one) == "numFmt"), None)  # it may stand twice, newer form first
    name = "decimal" if form is None else val(form)
    text = val(said["lvlText"]) if "lvlText" in said else None
    if name == "bullet":
        text = BULLET if text is None or "lvlPicBulletId" in said else _mark(element, text)
    elif name == "custom" and form is not None:
        name = f"decimalZero{len(get(form, 'format').split(',')[0])}"  # 001, 002, 003, ...
    return Level(
        form=name,
        text=text,
        start=_int(val(said["start"]), 1) if "start" in said else 1,
        after="" if "suff" in said and val(said["suff"]) == "nothing" else " ",
        legal="isLgl" in said and switched_on(said["isLgl"]),
        restarts=_int(val(said["lvlRestart"]), 0) if "lvlRestart" in said else None,
        style=val(said["pStyle"]) if "pStyle" in said else "",
    )


def _mark(level: etree._Element, text: str) -> str:
    """A bullet: a sign of a symbol font has no meaning elsewhere, so it is a plain one unless it is known."""
    font = next((get(one, "ascii") for one in level.iter() if local(one) == "rFonts"), "")
    shown = "".join(symbol(font, one) or one for one in text)
    if not shown.strip():
        return ""
    return BULLET if any("\ue000" <= one <= "\uf8ff" for one in shown) or shown == "o" else shown


def _numbered(properties: etree._Element) -> tuple[str, int | None]:
    """Id of the list and the level, where they are said."""
    found = next(named(properties, "numPr"), None)
    if found is None:
        return "", None
    level = next(map(val, named(found, "ilvl")), "")
    return next(map(val, named(found, "numId")), ""), _int(level, 0) if level else None


def _int(value: str, default: int) -> int:
    return int(value) if len(value) < 10 and value.lstrip("-").isdecimal() else default
