import json
from typing import Any

import pytest

from core.errors import InvalidInput
from core.offline import answer
from core.offline.built_in import PASSAGES_THAT_MATCH

REPORT = """Quarterly Report Q3 2025

Highlights
- Revenue rose 12.5 % to $3,400,000
- Churn fell below 2 %

Revenue grew to $3.4 million in the third quarter, driven by strong demand for
the subscription plan. Dr. Miller, who leads sales, expects the growth to con-
tinue through 2026. However, support costs increased by 18 %, mostly because of
the migration to the new ticket system, which customers found slow and
confusing.

Page 1 of 3

Customer feedback
We surveyed 1,240 customers in September. Most praised the quick delivery and the
friendly staff. About a third complained about late invoices and broken links in
the portal. The board decided on 3 October 2025 to invest 250,000 EUR in a new portal.

Risks
The contract with Acme Corp. ends in March 2026 and may not be renewed. A loss of the
contract would reduce revenue by 9 %. The main risk is the dependence on one supplier.
"""
LEASE = """Mietvertrag

§ 1 Mietsache
Der Vermieter vermietet dem Mieter die Wohnung im 2. Obergeschoss, Hauptstr. 5, 1010 Wien.

§ 2 Mietzeit
Das Mietverhältnis beginnt am 1. Jänner 2026 und wird auf drei Jahre abgeschlossen.

§ 3 Miete
Die monatliche Miete beträgt 1.250,00 Euro und ist bis zum 5. des Monats zu bezahlen.
"""
TINY = [
    "",
    " \n\n ",
    "Hello",
    "!!!",
    "12",
    "to be or not to be",
    "\x00",
    "\ufeff",
    "😀",
    "今日は良い天気です。",
    "สวัสดีครับ",
    "Привет мир.",
    "- \n- \n",
    "a\tb\n1\t2",
    "| a | b |\n|---|---|",
    "{} {0} %s",
    "x" * 3000,
    "Same words again here, as before. " * 50,
]


def result(operation: str, text: str, **params: Any) -> dict[str, Any]:
    return answer(operation, text, params).result


def test_key_points_are_sentences_with_their_quotes() -> None:
    points = result("key_points", REPORT, count=6)["points"]
    assert len(points) == 6
    for point in points:
        assert point["quote"] in REPORT
        assert point["statement"].endswith(".")
        assert "\n" not in point["statement"]
    by_statement = {point["statement"]: point["quote"] for point in points}
    assert by_statement["A loss of the contract would reduce revenue by 9 %."].startswith("A loss of the\ncontract")


def test_headings_page_numbers_and_repetitions_are_no_key_points() -> None:
    text = "Summary\n\nPage 1 of 2\n\n" + "The bridge over the river is closed until May. " * 20
    assert [p["statement"] for p in result("key_points", text)["points"]] == [
        "The bridge over the river is closed until May."
    ]


def test_notes_without_sentences_have_key_points_too() -> None:
    points = result("key_points", "- Buy the house in Graz\n- Sell the old car\n- Call the bank about the house")[
        "points"
    ]
    assert {p["statement"] for p in points} == {
        "Buy the house in Graz",
        "Sell the old car",
        "Call the bank about the house",
    }


def test_a_divided_word_is_joined_in_the_statement_and_kept_in_the_quote() -> None:
    passages = result("qa", REPORT, question="Who leads sales?")
    assert passages["answer"].endswith("expects the growth to continue through 2026.")
    assert "con-\ntinue" in passages["quotes"][0]


def test_a_summary_keeps_the_order_of_the_text_and_the_length() -> None:
    for words in (30, 60, 120):
        summary = result("summarize", REPORT, length=words)["summary"]
        assert 0.4 * words <= len(summary.split()) <= words
    clean = " ".join(REPORT.split())
    places = [clean.find(sentence[:40]) for sentence in summary.split(". ") if len(sentence) > 40]
    assert places == sorted(places)
    assert len(places) > 3


def test_a_summary_is_not_filled_up_with_what_is_short() -> None:
    goods = ("grain", "coal", "wool", "salt", "iron", "timber", "sugar", "wine", "cotton", "paper")
    long = " ".join(f"The harbour report says that the {ware} of many ships is {ware} for traders." for ware in goods)
    told = result("summarize", f"{long} Bob went home by the late bus.", length=22)["summary"]
    assert "harbour" in told
    assert "Bob" not in told


def test_no_sentence_is_the_greater_part_of_a_summary() -> None:
    long = (
        "The harbour, the ships and the grain are what the harbour report on ships and on grain is mostly about here."
    )
    text = f"{long} The harbour is closed to the ships. Grain is in the harbour report."
    assert long not in result("summarize", text, length=25)["summary"]
    assert long in result("summarize", text, length=60)["summary"]


@pytest.mark.parametrize(("length", "most"), [("short", 60), ("medium", 150), ("long", 400), ("45", 45)])
def test_lengths_have_names(length: str, most: int) -> None:
    text = " ".join(f"The {n}th committee discussed matter {n} of agenda {n * 7} at great length." for n in range(200))
    assert 0.7 * most <= len(result("summarize", text, length=length)["summary"].split()) <= most


def test_a_single_sentence_is_its_own_summary() -> None:
    assert result("summarize", "To be, or not to be.", length=1)["summary"] == "To be, or not to be."
    assert result("summarize", "Hello")["summary"] == "Hello"


@pytest.mark.parametrize("text", ["", "12345", "42 17 9\n3 4 5", "!!! ???", "---\n***", "😀", "\u200b"])
def test_what_has_no_words_has_no_summary_and_says_so(text: str) -> None:
    assert result("summarize", text) == {"summary": "The text has no sentences to summarize."}
    assert result("key_points", text) == {"points": []}


@pytest.mark.parametrize(
    ("text", "sentiment", "sign"),
    [
        ("The staff was wonderful. I love the food. Great place, we will come back happily.", "positive", 1),
        ("The room was dirty and the noise was horrible. I hate it. A terrible waste of money.", "negative", -1),
        ("The staff was wonderful and kind. The room was horrible and dirty.", "mixed", 0),
        ("The meeting begins at nine. The table is made of wood. It stands in the hall.", "neutral", 0),
        ("😀", "positive", 1),
    ],
)
def test_sentiment(text: str, sentiment: str, sign: int) -> None:
    told = result("sentiment", text)
    assert told["sentiment"] == sentiment
    assert -1 <= told["score"] <= 1
    assert 0 <= told["confidence"] <= 1
    assert told["score"] * sign > 0.2 or not sign


def test_sentiment_is_not_guessed_for_other_languages() -> None:
    text = "Das Essen war gut, aber die Bedienung war eine Katastrophe und wir waren alle sehr enttäuscht von ihr."
    assert result("sentiment", text) == {"sentiment": "neutral", "score": 0.0, "confidence": 0.0}


def test_more_agreement_is_more_confidence() -> None:
    one = result("sentiment", "I love it.")
    many = result("sentiment", "I love it. " + "It is great. " * 12)
    torn = result("sentiment", "I love it. " + "It is great. " * 12 + "It is awful. " * 4)
    assert one["confidence"] < many["confidence"]
    assert torn["confidence"] < many["confidence"]


@pytest.mark.parametrize(
    ("text", "question", "passage"),
    [
        (REPORT, "When did the board decide on the portal?", "The board decided on 3 October 2025"),
        (REPORT, "How much did support costs increase?", "However, support costs increased by 18 %"),
        (REPORT, "What is the main risk?", "The main risk is the dependence on one supplier."),
        (LEASE, "Wie hoch ist die Miete?", "Die monatliche Miete beträgt 1.250,00 Euro"),
        (LEASE, "Wann beginnt das Mietverhältnis?", "Das Mietverhältnis beginnt am 1. Jänner 2026"),
        ("Warranty\n\nThe period is two years from delivery.", "How long is the warranty?", "The period is two years"),
    ],
)
def test_questions_find_their_passage(text: str, question: str, passage: str) -> None:
    told = result("qa", text, question=question)
    assert told["found"] is True
    assert told["answer"].startswith(PASSAGES_THAT_MATCH + passage)
    assert told["quotes"]
    assert all(quote in text for quote in told["quotes"])


def test_who_asks_for_a_number_gets_a_passage_with_one() -> None:
    text = (
        "The voting period is set by the council of the town. The voting period is 2 weeks at the town council. "
        "The winters are long in this town. The mayor opens the summer fair."
    )
    assert "2 weeks" in result("qa", text, question="How long is the voting period?")["quotes"][0]
    assert "council" in result("qa", text, question="Who sets the voting period?")["quotes"][0]


def test_a_passage_is_told_once() -> None:
    text = "Smoking is forbidden in the house.\n\nDogs are welcome here.\n\nSmoking is forbidden in the house."
    assert result("qa", text, question="Is smoking forbidden?")["quotes"] == ["Smoking is forbidden in the house."]


@pytest.mark.parametrize(
    "question", ["What is the capital of France?", "Who is the king?", "???", "What about it?", "How is the weather?"]
)
def test_what_the_text_does_not_say_is_not_found(question: str) -> None:
    told = result("qa", REPORT, question=question)
    assert told == {"answer": "No passage of the text matches the question.", "found": False, "quotes": []}


def test_questions_are_asked_in_the_language_of_the_text() -> None:
    assert "What does the text say about “portal”?" in result("questions", REPORT, count=8)["questions"]
    assert result("questions", LEASE, count=1)["questions"] == ["Was sagt der Text über „Miete“?"]
    assert len(result("questions", REPORT, count=3)["questions"]) == 3


@pytest.mark.parametrize("text", TINY)
def test_tiny_and_strange_texts_are_answered(text: str) -> None:
    for point in result("key_points", text)["points"]:
        assert point["quote"] in text
        assert point["statement"]
    assert isinstance(result("summarize", text)["summary"], str)
    assert all(result("questions", text)["questions"])
    assert result("sentiment", text)["confidence"] <= 1
    assert result("qa", text, question="What is the main risk?")["found"] is False


@pytest.mark.parametrize("text", ["", "Hello", "to be or not to be", "!!!"])
def test_a_text_without_points_has_none(text: str) -> None:
    assert result("key_points", text) == {"points": []}


@pytest.mark.parametrize(
    ("operation", "params", "reason"),
    [
        ("summarize", {"length": "huge"}, "length"),
        ("summarize", {"length": 0}, "length"),
        ("summarize", {"length": True}, "length"),
        ("summarize", {"length": 1.5}, "length"),
        ("key_points", {"count": 0}, "count"),
        ("key_points", {"count": 101}, "count"),
        ("questions", {"count": None}, "count"),
        ("qa", {}, "question"),
        ("qa", {"question": " "}, "question"),
        ("translate", {}, "translate"),
    ],
)
def test_what_cannot_be_followed_is_refused(operation: str, params: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        answer(operation, REPORT, params)


def test_answers_are_plain_json() -> None:
    for operation in ("summarize", "sentiment", "key_points", "questions"):
        told = result(operation, REPORT)
        assert json.loads(json.dumps(told, allow_nan=False)) == told
