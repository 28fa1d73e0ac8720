from dataclasses import replace
from typing import Any

import pytest

from core.answers.derive import Answered, consider
from core.answers.judge import findings_of, judge
from core.asking.prompts import Asking
from core.fields import FieldSpec
from core.insight_base.writing import Finding

SENTIMENT = Asking("sentiment", 1, "", (), False, {})
KEY_POINTS = Asking("key_points", 1, "", (), True, {"count": 5})
QA = Asking("qa", 1, "", (), True, {"question": "Why?"})
OWN = Asking("tpl_1", 1, "Find risks.", (FieldSpec("level", "integer"),), True, {})
GOOD = '{"sentiment": "mixed", "score": 0.5, "confidence": 1}'


@pytest.mark.parametrize(
    ("text", "finish", "code", "says"),
    [
        (GOOD, "stop", "ok", ""),
        (f" {GOOD}\n", "stop", "ok", ""),
        (GOOD, "length", "length", "cut off"),
        (GOOD, "refusal", "refusal", "refused"),
        ("I cannot.", "refusal", "refusal", "refused"),
        (GOOD, "content_filter", "content_filter", "filter"),
        (GOOD, "other", "ok", ""),
        (GOOD[:-1], "other", "other", "does not know"),
        ("", "other", "other", "does not know"),
        (GOOD.replace("0.5", "1.5"), "other", "schema", "$.score"),
        ("", "bad_response", "bad_response", "no text"),
        ("", "stop", "empty", "empty"),
        (" \n", "stop", "empty", "empty"),
        ("", "length", "length", "cut off"),
        ("Sure! Here it is.", "stop", "schema", "not JSON"),
        (f"```json\n{GOOD}\n```", "stop", "ok", ""),
        (f"```json\n{GOOD[:-1]}\n```", "stop", "schema", "not JSON"),
        (f"```json\n{GOOD}\n```", "length", "length", "cut off"),
        (GOOD[:-1], "stop", "schema", "not JSON"),
        ("NaN", "stop", "schema", "not JSON"),
        ("null", "stop", "schema", "$"),
        ("[]", "stop", "schema", "$"),
        (GOOD.replace("0.5", "1.5"), "stop", "schema", "$.score"),
        (GOOD.replace("0.5", '"0.5"'), "stop", "schema", "$.score"),
        (GOOD.replace("mixed", "good"), "stop", "schema", "$.sentiment"),
        ('{"sentiment": "mixed", "score": 0.5}', "stop", "schema", "confidence"),
        (GOOD.replace("}", ', "more": 1}'), "stop", "schema", "more"),
        ("[" * 5000, "stop", "schema", "not JSON"),
    ],
)
def test_what_an_answer_is_worth(text: str, finish: str, code: str, says: str) -> None:
    verdict = judge(SENTIMENT, text, finish)
    assert verdict.code == code
    assert says in verdict.message
    assert (verdict.result is not None) == (code == "ok")


def test_bounds_that_were_stripped_on_the_wire_are_checked_here() -> None:
    assert judge(KEY_POINTS, '{"points": [{"statement": "", "quote": "a"}]}', "stop").code == "schema"


def test_a_message_does_not_repeat_a_whole_answer() -> None:
    assert len(judge(SENTIMENT, '{"sentiment": "' + "x" * 100_000 + '"}', "stop").message) < 1000


@pytest.mark.parametrize(
    ("asking", "result", "expected"),
    [
        (SENTIMENT, {"sentiment": "mixed"}, []),
        (KEY_POINTS, {"points": []}, []),
        (KEY_POINTS, {"points": [{"statement": "S", "quote": "Q"}]}, [Finding("S", ("Q",), {})]),
        (
            QA,
            {"answer": "A", "found": True, "quotes": ["1", "2"]},
            [Finding("A", ("1", "2"), {"question": "Why?"}, "Why?")],
        ),
        (QA, {"answer": "A", "found": False, "quotes": []}, []),
        (QA, {"answer": " ", "found": True, "quotes": []}, []),
        (OWN, {"insights": [{"statement": "S", "quote": "Q", "level": 3}]}, [Finding("S", ("Q",), {"level": 3})]),
    ],
)
def test_which_findings_a_result_holds(asking: Asking, result: dict[str, Any], expected: list[Finding]) -> None:
    assert findings_of(asking, result) == expected


ANSWERED = Answered(
    id=1,
    asked_again=False,
    response_id=2,
    text=GOOD,
    finish_reason="stop",
    verdict=None,
    message=None,
    result=None,
    provider="openai",
    job_id="job_1",
    document_id="doc_1",
)


@pytest.mark.parametrize(
    ("changes", "state", "fresh"),
    [
        ({}, "succeeded", True),
        ({"text": "{}"}, "pending", True),
        ({"text": "{}", "asked_again": True}, "failed", True),
        ({"finish_reason": "refusal"}, "failed", True),
        ({"text": ""}, "failed", True),
        ({"text": "{}", "verdict": "ok", "result": {}}, "succeeded", False),
    ],
)
def test_what_comes_next_for_a_request(changes: dict[str, Any], state: str, fresh: bool) -> None:
    derived = consider(SENTIMENT, replace(ANSWERED, **changes))
    assert (derived.state, derived.fresh) == (state, fresh)


@pytest.mark.parametrize(
    ("sent", "read", "cut"),
    [
        (24_000, 4_096, True),
        (24_000, 11_999, True),
        (24_000, 12_000, False),
        (24_000, 24_500, False),
        (24_000, 0, False),
        (24_000, 100, False),
        (900, 512, False),
    ],
)
def test_an_answer_to_a_part_of_the_question_is_none(sent: int, read: int, cut: bool) -> None:
    row = Answered(1, False, 1, GOOD, "stop", None, None, None, "openai", sent=sent, read=read)
    derived = consider(SENTIMENT, row)
    assert (derived.verdict.code, derived.state) == (("cut_input", "failed") if cut else ("ok", "succeeded"))
    assert consider(None, row).verdict.code == "ok"
