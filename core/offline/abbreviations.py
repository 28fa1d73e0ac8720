"""Whether a full stop ends a sentence."""

import re

from core.offline.language import LANGUAGES

# Something always follows these.
ALWAYS_FOLLOWED = frozenset(
    """
    adm al anm apr approx art aug bd bspw ca cap cf ch chap col dec dez dipl dr ebd eg engl env esp ev evtl ex exkl feb febr
    fig figs fr frl gen ggf gov hon hr hrn hrsg ie inkl insb jan jg jul jun kap lt maj max mind min mio mlle mm mme mr mrd mrs
    ms mt mts nov no nos nr oct okt op p pp p.ex par prof rep resp rev s sec sen sep sept sog st str tab tel tit u.a u.u univ
    v.a vgl vol vols vs z.b z.t zit zzgl zzt abb abs bzw d.h e.g i.e i.d.r o.g s.o s.u i.d
    """.split()
)
# These stand at a sentence's end as well: it ends if the next word often begins one.
SOMETIMES_LAST = frozenset(
    """
    a.d a.m ave b.c blvd bros ca. co corp dept etc e.v ff gmbh inc jr ltd p.m ph.d sr str u.k u.s u.s.a usf usw vb vgl
    """.split()
)
MONTHS = frozenset(
    """
    january february march april may june july august september october november december
    januar jänner februar märz mai juni juli oktober dezember
    janvier février mars avril juin juillet août septembre octobre novembre décembre
    """.split()
)
STARTERS = frozenset(word for language in LANGUAGES for word in language.stop_words if len(word) > 1)

_LAST_WORD = re.compile(r"[^\s(\[\"'“„«»‘’/]+$")
_FIRST_WORD = re.compile(r"[\s\"'“„«»‘’(\[*_]*([^\W_]+)")
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_LONGEST_WORD = 24


def ends_sentence(text: str, start: int, stop: int, after: int) -> bool:
    """`text[stop]` is a lone full stop of the sentence begun at `start`; `after` is where the next word is looked for."""
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
