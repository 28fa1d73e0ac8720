"""Whether a full stop ends a sentence."""

import re

from core.offline.language import LANGUAGES

# Something always follows these.
ALWAYS_FOLLOWED = frozenset(
    """
    anm approx aug bspw bzw ca cf d.h dec dez dipl e.g ebd eg engl env esp evtl exkl feb febr ggf hrsg i.d i.d.r i.e ie
    inkl insb jan jul jun mio mrd nov o.g okt p.ex resp s.o s.u sep sept sog u.a u.u univ v.a vgl vs z.b z.t zzgl zzt
    """.split()
)
# So does a name, when these begin with a capital letter,
TITLES = frozenset("adm dipl dr fr frl gen gov hon hr hrn lt maj mlle mm mme mr mrs ms mt prof rep rev sen st".split())
# and a number, when it does.
BEFORE_NUMBER = frozenset(
    "abb abs art bd cap ch chap col fig figs jg kap lit max min no nos nr p pp s sec tab tel vol vols zif ziff".split()
)
# These stand at a sentence's end as well: it ends if the next word often begins one.
SOMETIMES_LAST = frozenset(
    """
    a.d a.m ave b.c blvd bros ca. co corp dept e.v etc ff gmbh inc jr ltd p.m ph.d sr str u.k u.s u.s.a usf usw vb vgl
    """.split()
)
MONTHS = frozenset(
    """
    août april august avril december dezember décembre februar february février januar january janvier juillet juin
    juli july june juni jänner mai march mars may märz november novembre october octobre oktober september septembre
    """.split()
)
STARTERS = frozenset(word for language in LANGUAGES for word in language.stop_words if len(word) > 1)

_LAST_WORD = re.compile(r"[^\s(\[\"'“„«»‘’/]+$")
_FIRST_WORD = re.compile(r"[\s\"'“„«»‘’(\[*_]*([^\W_]+)")
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_LONGEST_WORD = 24


def ends_sentence(text: str, start: int, stop: int, after: int) -> bool:
    """`text[stop]` is a lone full stop in the sentence begun at `start`; the next word is looked for from `after`."""
    last = _LAST_WORD.search(text, max(start, stop - _LONGEST_WORD), stop)
    if last is None:
        return True
    word = last.group()
    following = _FIRST_WORD.match(text, after, after + 2 * _LONGEST_WORD)
    next_word = following.group(1) if following else ""
    if _is_followed(word, next_word):
        return False
    starts = next_word.lower() in STARTERS
    if word.isdecimal() and len(word) <= 2:
        return starts and next_word.lower() not in MONTHS and last.start() > start
    if word.lower() in SOMETIMES_LAST or _DOTTED.fullmatch(word):
        return starts
    return True


def _is_followed(word: str, next_word: str) -> bool:
    lower = word.lower()
    if lower in ALWAYS_FOLLOWED or (len(word) == 1 and word.isalpha()):
        return True
    if lower in TITLES and word[0].isupper():
        return True
    # German streets: "Hauptstr. 5".
    return next_word[:1].isdecimal() and (lower in BEFORE_NUMBER or lower.endswith("str"))
