"""Whether a full stop ends a sentence."""

import re

from core.offline.language import LANGUAGES

# Something always follows these.
ALWAYS_FOLLOWED = frozenset(
    """
    abb abs adm al anm approx apr art aug bd bspw bzw ca cap cf ch chap col d.h dec dez dipl dr e.g ebd eg engl env
    esp ev evtl ex exkl feb febr fig figs fr frl gen ggf gov hon hr hrn hrsg i.d i.d.r i.e ie inkl insb jan jg jul jun
    kap lt maj max min mind mio mlle mm mme mr mrd mrs ms mt mts no nos nov nr o.g oct okt op p p.ex par pp prof rep
    resp rev s s.o s.u sec sen sep sept sog st str tab tel tit u.a u.u univ v.a vgl vol vols vs z.b z.t zit zzgl zzt
    """.split()
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
    """`text[stop]` is a lone full stop in the sentence begun at `start`, and the next word is looked for from `after`."""
    last = _LAST_WORD.search(text, max(start, stop - _LONGEST_WORD), stop)
    if last is None:
        return True
    word = last.group()
    if word.lower() in ALWAYS_FOLLOWED or (len(word) == 1 and word.isalpha()):
        return False
    following = _FIRST_WORD.match(text, after, after + 2 * _LONGEST_WORD)
    next_word = following.group(1).lower() if following else ""
    if word.isdecimal() and len(word) <= 2:
        return next_word in STARTERS and next_word not in MONTHS and last.start() > start
    if word.lower() in SOMETIMES_LAST or _DOTTED.fullmatch(word):
        return next_word in STARTERS
    return True
