"""Signs of the symbol fonts of Word and PowerPoint: their codes are letters in every other font.

Both programs write such a sign as `sym` with its code, or as text in that font, at the code or at U+F000 above it.
Known are Greek and mathematics (Symbol), and of the Wingdings what carries a meaning: boxes, ticks, arrows, figures.
"""

FONTS = ("symbol", "wingdings", "wingdings 2", "wingdings 3", "webdings")
_PRIVATE = 0xF000
UNKNOWN = "\ufffd"


def symbol(font: str, character: str) -> str | None:
    """What the sign shows, in Unicode; None where it is no sign of a symbol font, or one that is not known."""
    signs = _SIGNS.get(font.strip().lower())
    if signs is None:
        return None
    code = ord(character)
    return signs.get(code - _PRIVATE if _PRIVATE <= code < _PRIVATE + 0x100 else code)


def _row(start: int, signs: str) -> dict[int, str]:
    return {start + at: sign for at, sign in enumerate(signs) if sign != "\0"}


def symbol_of(font: str, code: str) -> str:
    """Of a `sym` element, whose code is hexadecimal. U+FFFD where it is not known."""
    try:
        character = chr(int(code, 16))
    except (ValueError, OverflowError):
        return UNKNOWN
    return shown(font, character) if is_symbol_font(font) else _plain(character)


def shown(font: str, text: str) -> str:
    """A text in this font, with its signs in Unicode and U+FFFD for those that are not known."""
    if not is_symbol_font(font):
        return "".join(map(_plain, text)) if not text.isascii() else text
    return "".join(symbol(font, one) or (UNKNOWN if _is_sign(one) else one) for one in text)


def is_symbol_font(font: str) -> bool:
    return font.strip().lower() in _SIGNS


def _is_sign(character: str) -> bool:
    """Letters of other scripts stand in another font."""
    return "!" <= character < "\x7f" or "\xa1" <= character <= "\xff" or is_private(character)


def is_private(character: str) -> bool:
    """At a code that only the sign's own font knows."""
    return _PRIVATE <= ord(character) < _PRIVATE + 0x100


def _plain(character: str) -> str:
    return UNKNOWN if is_private(character) else character


_SYMBOL = (
    {
        code: chr(code)
        for code in (0x20, 0x21, 0x23, 0x25, 0x26, *range(0x28, 0x2A), *range(0x2B, 0x2D), *range(0x2E, 0x40))
    }
    | {0x22: "∀", 0x24: "∃", 0x27: "∍", 0x2A: "∗", 0x2D: "−", 0x40: "≅"}
    | _row(0x41, "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾")
    | _row(0x61, "αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼")
    | _row(0xA0, "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑")
    | {0xF1: "〉", 0xF2: "∫"}
)
_WINGDINGS = (
    {0x20: " ", 0x28: "☎", 0x2A: "✉", 0x46: "☞", 0x4A: "☺", 0x4B: "😐", 0x4C: "☹", 0x6C: "●", 0x6D: "❍", 0x6E: "■"}
    | {0x6F: "☐", 0x70: "☐", 0x71: "☐", 0x72: "☐", 0x73: "⬧", 0x74: "⧫", 0x75: "◆", 0x76: "❖", 0x77: "⬥", 0x78: "☒"}
    | _row(0x80, "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿")
    | {0x9E: "·", 0x9F: "•", 0xA0: "▪", 0xA1: "○", 0xA4: "◉", 0xA5: "◎", 0xA7: "▪", 0xA8: "☐", 0xAB: "★"}
    | {0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔", 0xEF: "⇦", 0xF0: "⇨", 0xF3: "⬄"}
    | {0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑"}
)
_WINGDINGS_2 = (
    {0x20: " ", 0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0x55: "⊗", 0x56: "⊗"}
    | _row(0x69, "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿")
    | {0x96: "●", 0x97: "●", 0x98: "●", 0x99: "○", 0x9A: "○", 0x9F: "■", 0xA0: "■", 0xA1: "■", 0xA2: "■"}
    | {0xA3: "☐", 0xA4: "☐", 0xA5: "☐", 0xA7: "☐", 0xAE: "◆", 0xB1: "◊"}
)
_WINGDINGS_3 = {0x20: " ", 0x21: "←", 0x22: "→", 0x23: "↑", 0x24: "↓", 0x7D: "►", 0x7C: "◄", 0x70: "▲", 0x71: "▼"}
_WEBDINGS = {
    0x20: " ",
    0x61: "✓",
    0x63: "☐",
    0x67: "■",
    0x72: "✗",
    0x33: "◄",
    0x34: "►",
    0x35: "▲",
    0x36: "▼",
    0x6E: "●",
}
_SIGNS = dict(zip(FONTS, (_SYMBOL, _WINGDINGS, _WINGDINGS_2, _WINGDINGS_3, _WEBDINGS), strict=True))
