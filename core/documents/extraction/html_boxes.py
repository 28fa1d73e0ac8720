"""Boxes of a form in HTML: what is ticked, typed and chosen."""

from lxml import etree

# What shows no words: a picture, a colour, or dots in the place of a password.
_WORDLESS = frozenset("hidden image file password color range".split())
_SIGNS = {"checkbox": "\u2610\u2611", "radio": "\u25cb\u25c9"}


def shown(box: etree._Element) -> str:
    """Of an `input` or a `select`."""
    if box.tag == "select":
        return _chosen(box)
    kind = box.get("type", "text").lower()
    if kind in _SIGNS:
        return _SIGNS[kind][box.get("checked") is not None]
    return "" if kind in _WORDLESS else box.get("value", "")


def _chosen(box: etree._Element) -> str:
    options = list(box.iter("option"))
    chosen = [one for one in options if one.get("selected") is not None]
    if not chosen and box.get("multiple") is None:
        chosen = options[:1]
    return ", ".join(" ".join("".join(one.itertext()).split()) for one in chosen)
