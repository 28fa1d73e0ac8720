"""What holds for every text: an answer fits its schema, quotes stand in the text, and work grows with its length."""

import sys
from types import FrameType
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.answers.judge import findings_of
from core.asking.prompts import Asking
from core.evidence import quotes
from core.fields import FieldSpec
from core.offline import answer

PIECES = st.sampled_from(
    [
        "The northern plant lost eleven percent of its output in March.",
        "Die Kosten stiegen um 3,5 % auf 48.000 Euro.",
        "Why did the pumps fail?",
        "3.5 million people live here",
        "2.1 Scope",
        "- an item",
        "> quoted text",
        "name\tplace\tprice",
        "a | b | c",
        "Page 3 of 9",
        "con-\ntinue",
        "soft\u00adhyphen",
        "東京は日本の首都です。人口は多い。",
        "สวัสดีครับ",
        "http://example.org/path?x=1",
        "Dr. Miller, e.g. on p. 5, says so",
        "……………… 17",
        "\f",
        "\n\n",
        "\r",
        "\u2028",
        "\ufeff",
        "\x02",
        "12 34 56",
        "😀",
        "«Oui», dit-elle.",
        "WARNING!",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=25).flatmap(
        lambda parts: st.sampled_from(["\n", " ", "", "\n\n"]).map(lambda joint: joint.join(parts))
    ),
)
FIELDS = st.lists(
    st.builds(
        lambda name, kind, about, choices, required: FieldSpec(
            name, kind, about, choices if kind == "choice" else (), required
        ),
        st.sampled_from(["price", "topics", "place", "_x9", "Supplier"]),
        st.sampled_from(["string", "number", "integer", "boolean", "list", "choice"]),
        st.text(max_size=30),
        st.lists(st.text(min_size=1, max_size=10).filter(str.strip), min_size=1, max_size=3, unique=True).map(tuple),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda field: field.name,
).map(tuple)
ASKINGS = st.one_of(
    st.builds(
        lambda template, params: Asking(template, 1, "", (), template in ("key_points", "qa"), params),
        st.sampled_from(["sentiment", "summarize", "key_points", "questions"]),
        st.just({}),
    ),
    st.builds(lambda words: Asking("summarize", 1, "", (), False, {"length": words}), st.integers(1, 500)),
    st.builds(
        lambda template, count: Asking(template, 1, "", (), template == "key_points", {"count": count}),
        st.sampled_from(["key_points", "questions"]),
        st.integers(1, 100),
    ),
    st.builds(
        lambda question: Asking("qa", 1, "", (), True, {"question": question}),
        st.one_of(st.text(min_size=1, max_size=60).filter(str.strip), PIECES.filter(str.strip)),
    ),
    st.builds(
        lambda prompt, fields, insights: Asking("own-1", 1, prompt, fields, insights, {}),
        st.text(max_size=60),
        FIELDS,
        st.booleans(),
    ),
)


def told(asking: Asking, text: str) -> dict[str, Any]:
    operation = "own" if asking.template_id == "own-1" else asking.template_id
    return answer(operation, text, asking.params, asking.fields, asking.prompt, asking.insights).result


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(asking=ASKINGS, text=TEXTS)
def test_an_answer_fits_its_schema_and_quotes_what_stands_in_the_text(asking: Asking, text: str) -> None:
    result = orjson.loads(orjson.dumps(told(asking, text)))
    jsonschema.Draft202012Validator(asking.schema).validate(result)
    for finding in findings_of(asking, result):
        assert finding.statement.strip()
        for quote in finding.quotes:
            assert quote in text
            assert quotes.check(quote, quotes.SourceText(text)).verdict in ("found", "short")
    assert told(asking, text) == result


def calls_for(asking: Asking, text: str) -> int:
    """How many functions are called, a count that no other process on the machine changes."""
    count = 0

    def called(_frame: FrameType, _event: str, _argument: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(called)
    try:
        told(asking, text)
    finally:
        sys.setprofile(None)
    return count


UNITS = st.one_of(
    PIECES,
    st.text(min_size=1, max_size=8),
    st.text("ab.?! \n\t-|>1", min_size=1, max_size=8),
    st.lists(PIECES, min_size=1, max_size=4).map("\n".join),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(asking=ASKINGS, unit=UNITS)
def test_twice_the_text_is_twice_the_work(asking: Asking, unit: str) -> None:
    once = unit * (6_000 // len(unit))
    told(asking, once)  # loads what is loaded once
    assert calls_for(asking, once + once) < 2.5 * calls_for(asking, once) + 2_000


@pytest.mark.parametrize("operation", ["summarize", "sentiment", "questions"])
@pytest.mark.parametrize(
    "unit", ["ab\n", "a.\n", "ab\n\n", "a b ", "'.", "1.", "a-\n", "> ", "\t", "A. b? ", "東", "(", "a@", "…", "\x02"]
)
def test_a_long_text_of_one_kind_is_read_in_time(operation: str, unit: str) -> None:
    """What is not linear would not end before the time limit of a test."""
    assert told(Asking(operation, 1, "", (), False, {}), unit * (300_000 // len(unit)))
