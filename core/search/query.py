"""What people type into a search box, as one tsquery: words, "phrases", or, and a minus.

A query is read in each language that is present, and finds what any of them finds; what has a minus is left out in all.
"""

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from core.search import words

QUOTES = '"\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d\u300e\u300f'
PIECE = re.compile(
    rf"""(?P<minus>[-\u2212])?(?:[{QUOTES}](?P<phrase>[^{QUOTES}]*)[{QUOTES}]?|(?P<word>[^\s{QUOTES}]+))"""
)
OR = frozenset(("or", "|", "oder", "ou"))
MOST = 64


@dataclass(frozen=True)
class Clause:
    """`quoted`: every word of it counts."""

    text: str
    quoted: bool


@dataclass(frozen=True)
class Query:
    """Any of `groups`, all of whose clauses hold, and none of `without`."""

    groups: tuple[tuple[Clause, ...], ...]
    without: tuple[Clause, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Those that may be left out where they are common."""
        return tuple({one.text.casefold() for group in self.groups for one in group if not one.quoted})


def parse(written: str) -> Query:
    """What has neither letter nor digit says nothing."""
    groups: list[list[Clause]] = [[]]
    without: list[Clause] = []
    for match in list(PIECE.finditer(written))[:MOST]:
        text = match["word"] or match["phrase"] or ""
        if match["word"] and text in ("or", "OR", "|") and not match["minus"]:
            groups.append([])
        elif next(words.tokens(text), None):
            (without if match["minus"] else groups[-1]).append(Clause(text, match["word"] is None))
    return Query(tuple(tuple(group) for group in groups if group), tuple(without))


def tsquery(query: Query, languages: Iterable[str | None], common: Mapping[str, Set[str]]) -> str | None:
    """As the text of a tsquery; None where nothing is searched for. `languages`: ISO 639-1, None for what is in one
    that is not known. `common`: the words of each language that say nothing, where others do."""
    read = sorted({words.code(one) for one in languages} or {None}, key=str)
    found = _any({text for language in read if (text := _groups(query, language, common))})
    refused = _any({text for language in read for one in query.without if (text := _clause(one, language))})
    if refused:
        return f"{found} & !{refused}" if found else f"!{refused}"
    return found or None


def _groups(query: Query, language: str | None, common: Mapping[str, Set[str]]) -> str:
    return _any({text for group in query.groups if (text := _group(group, language, common))})


def _group(group: tuple[Clause, ...], language: str | None, common: Mapping[str, Set[str]]) -> str:
    silent = common.get(language or "", frozenset())
    telling = [one for one in group if one.quoted or one.text.casefold() not in silent]
    found = dict.fromkeys(text for one in telling or group if (text := _clause(one, language)))
    return f"({' & '.join(found)})" if found else ""


def _clause(clause: Clause, language: str | None) -> str:
    """Several words in a row are a phrase: of one that is cut into pieces, too."""
    pieces: list[str] = []
    for token in words.tokens(clause.text):
        if token.kind != "pairs":
            pieces.append(_any({f"'{form}'" for form in token.forms or words.forms(token.text, language)}))
        elif len(token.text) == 1:
            pieces.append(f"'{token.text}':*")
        else:
            pieces += [f"'{token.text[n : n + 2]}'" for n in range(len(token.text) - 1)]
    return f"({' <-> '.join(pieces)})" if len(pieces) > 1 else "".join(pieces)


def _any(texts: Set[str]) -> str:
    return f"({' | '.join(sorted(texts))})" if len(texts) > 1 else "".join(texts)
