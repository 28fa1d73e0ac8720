"""Words that turn a statement into its opposite, by language all in one set: a wrong refusal is the lesser harm."""

from core.evidence.folding import Word

WORDS = frozenset(
    # English
    "not no never none nor neither nothing nobody nowhere cannot cant dont doesnt didnt isnt arent wasnt werent wont "
    "without unless except "
    # German, Dutch
    "nicht kein keine keinen keinem keiner keines nie niemals nichts niemand nirgends weder ohne niet geen nooit niets "
    "niemand zonder "
    # French, Spanish, Italian, Portuguese
    "ne pas jamais rien aucun aucune ni non sans nunca jamás nada nadie ninguno ninguna ningún sin tampoco mai niente "
    "nulla nessuno nessuna né senza não nem nenhum nenhuma sem "
    # Swedish, Danish, Norwegian, Polish, Czech, Russian, Ukrainian
    "inte ej aldrig ingen inget ikke aldri intet uden utan nie nigdy bez не нет ни никогда ничего без ні немає "
    # Turkish, Hindi, Arabic, Persian, Hebrew, Korean
    "değil yok hayır नहीं मत لا ولا لم ولم لن ولن ليس ليست غير بدون دون نه نیست לא אין 않 안 못 아니".split()
)
# Before a word or behind it, in scripts that are written without spaces.
BEFORE = ("不", "没", "沒", "無", "无", "未", "非", "勿", "莫", "ไม่", "มิ")
BEHIND = ("ない", "なか", "なく", "ません", "ず", "ぬ", "まい")


def negates(word: Word) -> bool:
    """Also where it is only a part of the word: don't, n'exclut."""
    return word.text in WORDS or word.text.endswith("n't") or word.text.startswith(("n'", "d'aucun"))


def any_unspaced(text: str) -> bool:
    return any(sign in text for sign in BEFORE + BEHIND)
