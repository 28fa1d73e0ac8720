import pytest

from core.offline.phrases import key_phrases
from core.offline.reading import ReadText


def phrases(text: str, count: int = 5) -> list[str]:
    return key_phrases(ReadText(text), count)


def test_what_stands_together_often_is_a_phrase_and_its_parts_are_not_told_again() -> None:
    text = (
        "The insurance policy covers water damage. An insurance policy ends with the year. "
        "Water damage is reported at once. Without the insurance policy nobody pays for water damage."
    )
    assert phrases(text, 2) == ["insurance policy", "water damage"]
    assert "insurance" not in phrases(text, 10)


def test_a_part_of_a_better_phrase_is_not_told() -> None:
    told = phrases("Water damage is bad. Water damage is reported. Water is wet. The water is cold.", 10)
    assert told[0] == "Water damage"
    assert not {"water", "Water"} & set(told)


def test_a_phrase_is_told_in_full() -> None:
    text = "The GNU General Public License is free. A GNU General Public License is long."
    assert phrases(text, 1) == ["GNU General Public License"]


def test_addresses_and_numbers_are_no_phrases() -> None:
    told = phrases("Write to info@example.com or see https://example.com/help/index.html for the 1200 rules.", 10)
    assert set(told) == {"Write", "rules"}


def test_german_phrases_are_nouns() -> None:
    text = (
        "Der schnelle Läufer erreicht das Ziel. Am Ziel wartet der müde Trainer auf den Läufer. "
        "Die Zuschauer feiern den Läufer und die Zeit."
    )
    told = phrases(text, 10)
    assert told[:2] == ["Läufer", "Ziel"]
    assert all(phrase[0].isupper() for phrase in told)


def test_french_phrases_keep_their_small_words() -> None:
    text = (
        "La mise à jour de sécurité est prête. Cette mise à jour de sécurité corrige le système. "
        "Il faut donc installer la mise à jour de sécurité dans le système d'exploitation."
    )
    assert phrases(text, 1) == ["mise à jour de sécurité"]


@pytest.mark.parametrize("text", ["", "to be or not to be", "12 34 56", "!!!"])
def test_no_phrases_where_no_word_carries_meaning(text: str) -> None:
    assert phrases(text) == []


def test_katakana_words_are_found_in_unspaced_text() -> None:
    assert phrases("このプロジェクトは大きいです。プロジェクトはまだ続きます。", 1) == ["プロジェクト"]


def test_only_the_named_sentences_are_read() -> None:
    reading = ReadText("The red car stops. The blue boat sails.")
    assert key_phrases(reading, 5, [1]) == ["blue boat sails"]
