"""Numbers of footnotes and endnotes, which Word counts: a mark stands where a note is referred to, and before the note.

As Markdown writes them, "[^1]", so that a note's number runs into no figure, and quotes pass over it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from core.documents.extraction import counted
from core.documents.extraction.office import get, local, named, val

# An element that refers to a note, by the note's own.
REFERENCES = {"footnoteReference": "footnote", "endnoteReference": "endnote"}
# What stands in a note for its own number.
OWN = {"footnoteRef": "footnote", "endnoteRef": "endnote"}
_UNSHOWN = frozenset("del moveFrom Fallback".split())
# By page, which only the program that lays it out knows.
_BY_PAGE = "eachPage"


@dataclass(frozen=True)
class _Rule:
    form: str
    start: int = 1
    restarts: str = "continuous"


class Notes:
    """Of the body. `unread`: how many are referred to by a number that is not known."""

    def __init__(self, body: etree._Element, settings: Iterable[etree._Element]) -> None:
        self.unread = 0
        self._marks: dict[tuple[str, str], str] = {}
        self._rules = {"footnote": _Rule("decimal"), "endnote": _Rule("lowerRoman")}
        for one in settings:
            self._rules = self._changed(one)
        self._last: dict[str, int] = {}
        section: list[etree._Element] = []
        walk = etree.iterwalk(body, events=("start",))
        for _, element in walk:
            name = local(element)
            if name in _UNSHOWN:
                walk.skip_subtree()
            elif name in REFERENCES:
                section.append(element)
            elif name == "sectPr":  # at the section's end
                self._count(section, self._changed(element))
                section = []
        self._count(section, self._rules)

    def mark(self, kind: str, name: str) -> str:
        return self._marks.get((kind, name), "")

    def own(self, element: etree._Element) -> str:
        """Of the note that the element is in."""
        kind = OWN[local(element)]
        note = next((one for one in element.iterancestors() if local(one) == kind), None)
        return "" if note is None else self.mark(kind, get(note, "id"))

    def _changed(self, properties: etree._Element) -> dict[str, _Rule]:
        rules = dict(self._rules)
        for kind, rule in self._rules.items():
            for said in named(properties, f"{kind}Pr"):
                values = {local(one): val(one) for one in said}
                start = values.get("numStart", "")
                rules[kind] = _Rule(
                    values.get("numFmt", rule.form),
                    int(start) if start.isdecimal() and len(start) < 10 else rule.start,
                    values.get("numRestart", rule.restarts),
                )
        return rules

    def _count(self, section: list[etree._Element], rules: dict[str, _Rule]) -> None:
        self._last = {kind: last for kind, last in self._last.items() if rules[kind].restarts != "eachSect"}
        for element in section:
            kind, name = REFERENCES[local(element)], get(element, "id")
            if get(element, "customMarkFollows") not in ("", "0", "false", "off"):
                continue  # its sign stands in the text
            rule = rules[kind]
            number = self._last[kind] = self._last.get(kind, rule.start - 1) + 1
            shown = None if rule.restarts == _BY_PAGE else counted.shown(number, rule.form)
            self.unread += not shown
            self._marks.setdefault((kind, name), f"[^{shown}]" if shown else "")
