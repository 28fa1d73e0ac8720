import pytest

from core.offline.language import ENGLISH, LANGUAGES, OTHER
from core.offline.reading import ReadText

ENGLISH_TEXT = "The board of the bank has decided that it will close the branch in the north."


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ENGLISH_TEXT, "en"),
        ("Der Vorstand der Bank hat beschlossen, dass er die Filiale im Norden schließen wird.", "de"),
        ("Le conseil de la banque a décidé qu'il fermera l'agence dans le nord du pays.", "fr"),
        ("El consejo del banco ha decidido que cerrará la sucursal en el norte del país.", "es"),
        ("Revenue 2024 2025 total", "en"),
        ("Рада банку вирішила закрити філію на півночі.", ""),
        ("Zarząd banku zdecydował, że zamknie oddział na północy, ponieważ jest zbyt drogi.", ""),
        ("", "en"),
    ],
)
def test_the_language_is_told_by_its_small_words(text: str, code: str) -> None:
    assert ReadText(text).language.code == code


def test_terms_are_stems_without_stop_words() -> None:
    assert ReadText(ENGLISH_TEXT).terms(["the", "decisions", "decided", "x"]) == ["decis", "decid"]
    assert ReadText("").language is ENGLISH
    assert OTHER not in LANGUAGES


def test_english_small_words_count_nowhere() -> None:
    german = ReadText("Der Satz ist gut und der Name ist The Who, und das ist alles.")
    assert german.language.code == "de"
    assert german.terms(["the", "who", "name"]) == ["nam"]


def test_a_question_is_rid_of_its_own_small_words() -> None:
    german = ReadText("Der Vertrag ist mit dem Haus und der Wohnung verbunden, die es nicht mehr gibt.")
    assert german.query("Où est la maison?", "rent_per_month") == ["maison", "rent", "month"]


def test_junk_draws_nothing_up() -> None:
    reading = ReadText("The harbour is closed for ships today.\n\n12 harbour 13 14 15 16 2024 2025 2026\n")
    assert [sentence.junk for sentence in reading.sentences] == [False, True]
    assert set(reading.matrix.rows.tolist()) == {0}


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("Ships carry the grain to the harbour.", "They carry the grain to the harbour."),
        ("Ships carry the grain to the harbour.", "Do ships carry the grain to the harbour?"),
        ("Ships carry the grain to the harbour.", "Ships carry the grain, see https://a.b to the harbour."),
        ("Ships carry the grain to the harbour.", "Ships carry the grain to the harbour"),
    ],
)
def test_sentences_that_stand_by_themselves_matter_more(better: str, worse: str) -> None:
    for text in (f"{better}\n\n{worse}", f"{worse}\n\n{better}"):
        reading = ReadText(text)
        by_text = {s.text: w for s, w in zip(reading.sentences, reading.importance, strict=True)}
        assert by_text[better] > by_text[worse] > 0


def test_first_sentences_matter_more() -> None:
    reading = ReadText(" ".join(f"Every ship number {n} carries grain to the harbour." for n in range(10, 40)))
    assert reading.importance[0] > 1.2 * reading.importance[20]
