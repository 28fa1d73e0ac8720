"""A number as a list shows it: 4 as 4, d, iv, 四 or fourth. The names are those of Office Open XML."""

from collections.abc import Callable

_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
# What a list counts up to in Roman figures or letters; beyond, the text would grow with the number.
MOST = 32_767
_ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen""".split()
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
_ORDINALS["twelve"] = "twelfth"
_CHINESE = "〇一二三四五六七八九"
_LEGAL_CHINESE = "零壹贰叁肆伍陆柒捌玖"


def shown(number: int, form: str) -> str | None:
    """None where the form is not known, or does not go that far."""
    write = FORMS.get(form)
    return write(number) if write and -MOST <= number <= MOST else None


def _letters(alphabet: str) -> Callable[[int], str]:
    """a to z, then aa, bb and so on, as Word counts."""
    return lambda number: alphabet[(number - 1) % len(alphabet)] * ((number - 1) // len(alphabet) + 1) if number else ""


def alphabetic(number: int) -> str:
    """a to z, then aa, ab and so on, as browsers count."""
    text = ""
    while number > 0:
        number, letter = divmod(number - 1, 26)
        text = chr(ord("a") + letter) + text
    return text


def _roman(number: int) -> str:
    text = ""
    for value, figure in _ROMAN:
        count, number = divmod(number, value)
        text += figure * count
    return text


def _ordinal(number: int) -> str:
    last = 0 if 10 <= number % 100 <= 20 else number % 10
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def _in_words(number: int) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    many, rest = divmod(number, size)
    return f"{_in_words(many)} {name}" + (f" {_in_words(rest)}" if rest else "")


def _ordinal_in_words(number: int) -> str:
    words = _in_words(number)
    at = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[at:]
    return words[:at] + _ORDINALS.get(last, last[:-1] + "ieth" if last.endswith("y") else last + "th")


def _counting(figures: str, units: str) -> Callable[[int], str]:
    """Chinese and Japanese: 二十三 is 23, 一百〇五 is 105."""

    def write(number: int) -> str:
        if number == 0:
            return figures[0]
        text, pending = "", False
        for place in range(len(str(number)) - 1, -1, -1):
            figure = number // 10**place % 10
            if figure:
                one_left_out = figure == 1 and place and not text and (place == 1 or units[0] == "*")
                text += (figures[0] if pending and units[0] != "*" else "") + ("" if one_left_out else figures[figure])
                text += units[1:][place - 1] if place else ""
            pending = bool(text) and not figure
        return text

    return write


def _digits(figures: str) -> Callable[[int], str]:
    return lambda number: "".join(figures[int(one)] if one.isdecimal() else one for one in str(number))


def _row(signs: str) -> Callable[[int], str]:
    """Signs in their order; plain figures when they are used up."""
    return lambda number: signs[number - 1] if 0 < number <= len(signs) else str(number)


_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
_CYRILLIC = "абвгдежзиклмнопрстуфхцчшщыэюя"
_COUNTED_CHINESE = _counting(_CHINESE, " 十百千万")
_COUNTED_JAPANESE = _counting(_CHINESE, "*十百千万")


def _upper(write: Callable[[int], str]) -> Callable[[int], str]:
    return lambda number: write(number).upper()


def _title(write: Callable[[int], str]) -> Callable[[int], str]:
    return lambda number: write(number)[:1].upper() + write(number)[1:]


def _positive(write: Callable[[int], str]) -> Callable[[int], str]:
    """These have no sign for nothing and none for less."""
    return lambda number: write(number) if number > 0 else str(number)


FORMS: dict[str, Callable[[int], str]] = {
    "decimal": str,
    "decimalHalfWidth": str,
    "decimalZero": lambda number: f"{number:02}",
    "decimalZero3": lambda number: f"{number:03}",  # Word's custom forms
    "decimalZero4": lambda number: f"{number:04}",
    "decimalZero5": lambda number: f"{number:05}",
    "numberInDash": lambda number: f"- {number} -",
    "hex": lambda number: f"{number:X}",
    "none": lambda number: "",
    "lowerRoman": _positive(_roman),
    "upperRoman": _positive(_upper(_roman)),
    "lowerLetter": _positive(_letters("abcdefghijklmnopqrstuvwxyz")),
    "upperLetter": _positive(_letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
    "chicago": _positive(_letters("*†‡§")),
    "russianLower": _positive(_letters(_CYRILLIC)),
    "russianUpper": _positive(_letters(_CYRILLIC.upper())),
    "ordinal": _positive(_ordinal),
    "cardinalText": _positive(_title(_in_words)),
    "ordinalText": _positive(_title(_ordinal_in_words)),
    "decimalFullWidth": _digits("０１２３４５６７８９"),
    "decimalFullWidth2": _digits("０１２３４５６７８９"),
    "decimalEnclosedCircle": _row(_CIRCLED),
    "decimalEnclosedCircleChinese": _row(_CIRCLED),
    "decimalEnclosedParen": lambda number: f"({number})",
    "decimalEnclosedFullstop": lambda number: f"{number}.",
    "ideographDigital": _digits(_CHINESE),
    "japaneseDigitalTenThousand": _digits(_CHINESE),
    "taiwaneseDigital": _digits(_CHINESE),
    "koreanDigital2": _digits(_CHINESE),
    "chineseCounting": _positive(_COUNTED_CHINESE),
    "chineseCountingThousand": _positive(_COUNTED_CHINESE),
    "taiwaneseCounting": _positive(_COUNTED_CHINESE),
    "taiwaneseCountingThousand": _positive(_COUNTED_CHINESE),
    "japaneseCounting": _positive(_COUNTED_JAPANESE),
    "chineseLegalSimplified": _positive(_counting(_LEGAL_CHINESE, " 拾佰仟萬")),
    "ideographTraditional": _row("甲乙丙丁戊己庚辛壬癸"),
    "ideographZodiac": _row("子丑寅卯辰巳午未申酉戌亥"),
    "aiueoFullWidth": _row(
        "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
    ),
    "iroha": _row("ｲﾛﾊﾆﾎﾍﾄﾁﾘﾇﾙｦﾜｶﾖﾀﾚｿﾂﾈﾅﾗﾑ"),
    "irohaFullWidth": _row("イロハニホヘトチリヌルヲワカヨタレソツネナラム"),
    "ganada": _row("가나다라마바사아자차카타파하"),
    "chosung": _row("ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"),
    "arabicAlpha": _row("أبتثجحخدذرزسشصضطظعغفقكلمنهوي"),
    "arabicAbjad": _row("أبجدهوزحطيكلمنسعفصقرشتثخذضظغ"),
    "hebrew2": _row("אבגדהוזחטיכלמנסעפצקרשת"),
    "thaiNumbers": _digits("๐๑๒๓๔๕๖๗๘๙"),
    "hindiNumbers": _digits("०१२३४५६७८९"),
}
