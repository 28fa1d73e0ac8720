"""Foreign text in Markdown: it is read as it is, and nothing is made of it: no link, picture, HTML or cell's end."""

import re

_SYNTAX = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")
_SYNTAX_INSIDE = re.compile(r"([\\`*_\[\]<>|~$&#]|(?<=\])\()")
# Made into links, icons and arrows of text that has been escaped, as readers look for them once it is parsed.
_FOUND_LATER = re.compile(
    r"""(?i: :(?=//|[a-z_+-]|\d+:) | www(?=\.) | @(?=[\w-]) | (?<!\S)(?:<->|->|<-|--|>=|<=|~=)(?!\S) )""", re.VERBOSE
)
# Control characters, and those that turn around what is read, so that a text could look like another one.
_NEVER_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_HALF = re.compile(r"[\ud800-\udfff]")


def inert(text: str) -> str:
    """In one line, wherever it stands. An address takes a word joiner (invisible), so that no reader makes a link of
    it."""
    return _SYNTAX.sub(r"\\\1", _one_line(text))


def inline(text: str) -> str:
    """The same for a place inside a line, such as a cell or behind a quotation mark: without the signs that mean
    something only at a line's beginning, people can read it as it is written."""
    return _SYNTAX_INSIDE.sub(r"\\\1", _one_line(text))


def _one_line(text: str) -> str:
    line = _HALF.sub("\N{REPLACEMENT CHARACTER}", _NEVER_SHOWN.sub("", " ".join(text.split())))
    return _FOUND_LATER.sub("\\g<0>\N{WORD JOINER}", line)
