import pytest

from core.offline.sentences import LONGEST_SENTENCE, split


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in split(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Revenue rose.", "Costs fell!", "Why?", "Nobody knows."],
        ["Dr. Miller met Mr. J. R. Smith.", "They talked about Fig. 3 and No. 7."],
        ["Rates, e.g. for loans, i.e. debts, rose by 3.5 percent.", "The bank agreed."],
        ["He works for the U.S. Army.", "She moved to the U.S.", "The move was hard."],
        ["He works for Acme Inc. Berlin pays well.", "It is big."],
        ["He works for Acme Inc.", "The firm pays well."],
        ["On 3. May he came.", "There were 12.", "They left."],
        ["That is fine.", "2. The rest follows."],
        ["Modern art.", "The answer is no.", "It stays no."],
        ["Pens, paper etc. are in Room 5.", "The rest is elsewhere."],
        [
            "Die Wohnung liegt im 2. Stock, Hauptstr. 5, ca. 80 m² groß.",
            "Sie ist z. B. für Paare geeignet, d.h. klein.",
        ],
        ["Der Vertrag beginnt am 1. Jänner 2026.", "Er endet nach drei Jahren."],
        ["Er sagte: „Ich komme.“", "Dann ging er."],
        ["M. Dupont est arrivé.", "« Bonjour ! »", "Il est parti à 8 h. environ."],
        ["これは文です。", "二つ目の文です！"],
        ["यह पहला वाक्य है।", "यह दूसरा है।"],
        ["See www.example.com or version 2.0.1 for more.", "It costs $3.50."],
        ["Wait... what?", "Yes…", "Really."],
    ],
)
def test_sentences_are_cut_where_they_end(sentences: list[str]) -> None:
    separator = "" if "。" in sentences[0] else " "
    assert texts(separator.join(sentences)) == sentences


def test_a_span_is_the_sentence_as_it_stands() -> None:
    text = "  Revenue\n  grew. \n\n> Costs   fell\n> sharply.  "
    spans = [text[sentence.start : sentence.end] for sentence in split(text)]
    assert spans == ["Revenue\n  grew.", "Costs   fell", "sharply."]


def test_wrapped_lines_flow_together_and_headings_do_not() -> None:
    text = (
        "3.1 Package Maintainer's Duties\n"
        "As a package maintainer, you're supposed to provide high-quality packages that are well\n"
        "integrated into the system and that adhere to the Policy of the Project, which is binding.\n"
        "3.2 Work towards the next release\n"
        "Providing high-quality packages in one branch is not enough.\n"
    )
    assert texts(text) == [
        "Package Maintainer's Duties",
        "As a package maintainer, you're supposed to provide high-quality packages that are well integrated into the "
        "system and that adhere to the Policy of the Project, which is binding.",
        "Work towards the next release",
        "Providing high-quality packages in one branch is not enough.",
    ]


def test_german_nouns_at_the_start_of_a_line_do_not_end_a_sentence() -> None:
    text = (
        "Die Beteiligten realisieren ein freies Betriebssystem im gleichen Geiste wie andere\n"
        "Software und tragen zum Projekt meistens durch das Paketieren bestehender Software\n"
        "Jahr für Jahr sehr viel bei.\n"
    )
    assert len(texts(text)) == 1


def test_list_items_stand_for_themselves() -> None:
    text = "We decided:\n- to buy the house\n- to sell the car\n  before summer\n* nothing else\n1. First\n2. Second\n"
    assert texts(text) == [
        "We decided:",
        "to buy the house",
        "to sell the car before summer",
        "nothing else",
        "First",
        "Second",
    ]


def test_cells_of_prose_are_read_and_other_rows_are_no_sentences() -> None:
    sentences = split("Id\tOpinion\tStars\n17\tThe delivery was quick and friendly. I will come again soon.\t5\n")
    assert [s.text for s in sentences if s.whole] == ["The delivery was quick and friendly."]
    assert "I will come again soon." in [s.text for s in sentences]


@pytest.mark.parametrize(
    "line",
    [
        "12",
        "- 7 -",
        "Page 3 of 10",
        "Seite 4 / 248",
        "iv",
        "=========",
        "1. Introduction . . . . . . . . . 3",
        "1.2 Scope of this document 14",
        "12.5  13.7  (14.2)  99 %",
    ],
)
def test_lines_that_say_nothing_are_junk(line: str) -> None:
    sentences = split(f"The first paragraph ends here.\n\n{line}\n\nThe second paragraph follows it.")
    assert [sentence.junk for sentence in sentences] == [False, *[True] * (len(sentences) - 2), False]
    assert len(sentences) > 2


def test_running_headers_are_junk() -> None:
    pages = [f"Annual Report, page {n}\n\nThis page tells story number {n} at length." for n in range(1, 5)]
    assert [sentence.junk for sentence in split("\f".join(pages))] == [True, False] * 4


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Revenue grew by a fifth in 2024.", True),
        ("revenue grew by a fifth in 2024.", False),
        ("Revenue grew by a fifth in 2024", False),
        ("Revenue grew.", False),
        ("REVENUE GREW BY A FIFTH IN 2024.", False),
        ("Set a = {b: c} and d > e_f; g = \\h.", False),
        ("# Revenue grew by a fifth in 2024.", False),
        ("Word " * 61 + "end.", False),
    ],
)
def test_what_reads_as_a_sentence_by_itself(text: str, whole: bool) -> None:
    assert [sentence.whole for sentence in split(text)] == [whole]


def test_endless_sentences_are_cut_at_white_space() -> None:
    text = "word " * 1000
    sentences = split(text)
    assert max(sentence.end - sentence.start for sentence in sentences) <= LONGEST_SENTENCE
    assert " ".join(sentence.text for sentence in sentences) == text.strip()
    assert sum(len(sentence.text) for sentence in split("x" * 2500)) == 2500
