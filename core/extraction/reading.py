"""What every reader gives: pages of text, cleaned to what a database and a span can hold."""

import re
from collections.abc import Callable
from dataclasses import dataclass

Stage = Callable[[str, int, int], None]
PAGE_BREAK = "\n\n"
# NUL is refused by PostgreSQL, half surrogates by UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Read:
    """`paged` where pages mean something. The last two say what an empty text means for this kind of file."""

    pages: tuple[str, ...]
    paged: bool = False
    empty_code: str = "EMPTY"
    empty_message: str = "The file holds no text. Check that it is the right one."

    def joined(self) -> tuple[str, list[int]]:
        """The whole text and the offset at which each page begins."""
        starts, parts, at = [], [], 0
        for page in self.pages or ("",):
            clean = clean_text(page)
            starts.append(at)
            parts.append(clean)
            at += len(clean) + len(PAGE_BREAK)
        return PAGE_BREAK.join(parts), starts


def clean_text(text: str) -> str:
    return _UNSTORABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
