"""Figures that stand above the line: on it, an exponent or the number of a note would be part of the figure before."""

import re

_SIGNS = str.maketrans("0123456789+-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_ONLY_SIGNS = re.compile(r"[0-9+\-\u2212]+")
_FIGURE = re.compile(r"[+\-\u2212]?[0-9]")


def raised(text: str) -> str:
    """10⁷ and m², or 50,000^2,3 where Unicode has no such sign. What is no figure stays: 1st."""
    figure = text.strip()
    if not _FIGURE.match(figure):
        return text
    return text.replace(figure, signs(figure) if _ONLY_SIGNS.fullmatch(figure) else f"^{figure}", 1)


def signs(figure: str) -> str:
    """One for each character that has one."""
    return figure.translate(_SIGNS)
