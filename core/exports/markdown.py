"""Foreign text in Markdown: it is read as it is, and nothing is made of it: no link, picture, HTML or cell's end."""

import re
import unicodedata

_SYNTAX = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")
_SYNTAX_INSIDE = re.compile(r"([\\`*_\[\]<>|~$&#]|(?<=\])\()")
# Made into links, icons and arrows of text that has been escaped, as readers look for them once it is parsed.
_FOUND_LATER = re.compile(
    r"""(?i: :(?=//|[a-z_+-]|\d+:) | www(?=\.) | @(?=[\w-]) | (?<!\S)(?:<->|->|<-|--|>=|<=|~=)(?!\S) )""", re.VERBOSE
)
_NEVER_SHOWN = {"Cc": "", "Cs": "\N{REPLACEMENT CHARACTER}"}
# They turn around what is read, so that a text could look like another one.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def inert(text: str) -> str:
    """In one line, wherever it stands. An address takes a word joiner (invisible), so that no reader makes a link of
    it."""
    return _SYNTAX.sub(r"\\\1", _one_line(text))


def inline(text: str) -> str:
    """The same for a place inside a line, such as a cell or behind a quotation mark: without the signs that mean
    something only at a line's beginning, people can read it as it is written."""
    return _SYNTAX_INSIDE.sub(r"\\\1", _one_line(text))


def _one_line(text: str) -> str:
    line = "".join(_NEVER_SHOWN.get(unicodedata.category(c), c) for c in " ".join(text.split()) if c not in _TURNING)
    return _FOUND_LATER.sub("\\g<0>\N{WORD JOINER}", line)
