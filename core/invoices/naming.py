"""Which of their names is which of ours. Pure.

A provider's bill may say gpt-5-mini where the answer said gpt-5-mini-2025-08-07, and the Console's export says Claude
Haiku 4.5. A name without a date may be any of its dated ones; two dates are two models.
"""

import re
from collections.abc import Iterable

_DATE = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$")


def plain(name: str) -> str:
    """As APIs spell it: "Claude Haiku 4.5" is claude-haiku-4-5. A name without a space is one already."""
    found = name.strip().lower()
    return re.sub(r"[\s.]+", "-", found) if re.match(r"claude\s", found) else name.strip()


def base(name: str) -> str:
    return _DATE.sub("", name)


def groups(ours: Iterable[str], theirs: Iterable[str]) -> dict[str, str]:
    """For each name what it is shown as: the same for names that are one model."""
    mine, other = {*ours}, {*theirs}
    spelled = {name: plain(name) for name in mine | other}
    found = dict(spelled)
    for stem in {base(name) for name in spelled.values()}:
        here, there = ({spelled[name] for name in names if base(spelled[name]) == stem} for names in (mine, other))
        # A name without a date that one side alone has stands for what the other side dates.
        if here and there and any(name in (stem, f"{stem}-latest") for name in here ^ there):
            shown = max(here, key=lambda name: (len(name), name))
            found |= {name: shown for name in spelled if base(spelled[name]) == stem}
    return found
