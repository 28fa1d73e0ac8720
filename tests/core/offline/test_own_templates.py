import json

import jsonschema
import pytest

from core.fields import FieldSpec, json_schema
from core.offline import answer
from tests.core.offline.test_built_in import LEASE, REPORT, TINY

FIELDS = (
    FieldSpec("customers", "integer", "number of customers surveyed"),
    FieldSpec("revenue", "number"),
    FieldSpec("risk", "string", "main risk"),
    FieldSpec("topics", "list", "main topics"),
    FieldSpec("complaints", "list", "what customers complained about"),
    FieldSpec("profitable", "boolean"),
    FieldSpec("trend", "choice", "", ("falling", "grew")),
)
OPTIONAL = (
    FieldSpec("ceo", "string", "name of the chief executive", required=False),
    FieldSpec("rent", "number", "monthly rent", required=False),
    FieldSpec("legal", "boolean", required=False),
    FieldSpec("animals", "list", required=False),
    FieldSpec("colour", "choice", "", ("blue", "no"), required=False),
)


def test_fields_are_filled_from_the_passages_that_match() -> None:
    told = answer("own", REPORT, {}, FIELDS, "Read the report.").result
    assert told["customers"] == 1240
    assert told["revenue"] in (3.4, 9)
    assert told["risk"] == "The main risk is the dependence on one supplier."
    assert told["profitable"] is False
    assert told["trend"] == "grew"
    assert len(told["topics"]) == 5
    assert "broken links" in told["complaints"]


def test_a_field_that_matches_nothing_is_looked_for_by_the_prompt() -> None:
    field = FieldSpec("value", "number")
    assert answer("own", REPORT, {}, [field], "").result == {"value": 0}
    assert answer("own", REPORT, {}, [field], "How much did support costs increase?").result == {"value": 18}


def test_german_numbers() -> None:
    told = answer("own", LEASE, {}, [FieldSpec("miete", "number", "monatliche Miete")]).result
    assert told == {"miete": 1250.0}


def test_what_is_not_found_is_empty_and_null_where_it_may_be() -> None:
    assert set(answer("own", REPORT, {}, OPTIONAL).result.values()) == {None}
    required = [FieldSpec(f.name, f.type, f.description, f.choices) for f in OPTIONAL]
    assert answer("own", REPORT, {}, required).result == {
        "ceo": "",
        "rent": 0,
        "legal": False,
        "animals": [],
        "colour": "blue",
    }


def test_insights_are_the_central_sentences_that_match_the_prompt() -> None:
    fields = (
        FieldSpec("severity", "choice", "", ("low", "high")),
        FieldSpec("share", "number", required=False),
        FieldSpec("note", "string"),
    )
    told = answer("own", REPORT, {}, fields, "List all risks around the contract.", True).result["insights"]
    statements = [insight["statement"] for insight in told]
    assert "The main risk is the dependence on one supplier." in statements
    assert not any("survey" in statement for statement in statements)
    assert all(insight["quote"] in REPORT for insight in told)
    loss = next(insight for insight in told if insight["statement"].startswith("A loss"))
    assert (loss["severity"], loss["share"], loss["note"]) == ("low", 9, "")


def test_insights_are_as_many_as_wanted_and_none_where_nothing_matches() -> None:
    prompt = "customers, revenue, contract, portal, risk, costs"
    assert len(answer("own", REPORT, {"count": 2}, (), prompt, True).result["insights"]) == 2
    assert answer("own", REPORT, {}, (), "List all volcanoes.", True).result == {"insights": []}


def test_the_more_central_of_two_matches_comes_first() -> None:
    text = (
        "A penalty applies to the green umbrella stand. Late delivery of goods costs a fee. "
        "A penalty applies to late delivery goods. The delivery of goods is late after a week. Goods need delivery."
    )
    first = answer("own", text, {"count": 1}, (), "penalty", True).result["insights"][0]
    assert first["statement"] == "A penalty applies to late delivery goods."


def test_the_words_of_the_instruction_itself_find_nothing() -> None:
    prompt = "List findings.\nGive each finding as one self-contained statement with the quote that supports it best."
    assert answer("own", "The team supports itself best. " + REPORT, {}, (), prompt, True).result == {"insights": []}


@pytest.mark.parametrize("insights", [False, True])
@pytest.mark.parametrize("text", [REPORT, LEASE, *TINY])
def test_every_answer_satisfies_the_schema(text: str, insights: bool) -> None:
    told = answer("own", text, {}, FIELDS + OPTIONAL, "List every risk.", insights).result
    jsonschema.validate(told, json_schema(FIELDS + OPTIONAL, insights))
    json.dumps(told, allow_nan=False)


def test_a_quote_is_the_passage_that_the_value_was_taken_from() -> None:
    names = ("customers", "revenue", "risk", "trend", "topics", "profitable")
    asked = [FieldSpec(f.name, f.type, f.description, f.choices, quote=True) for f in FIELDS if f.name in names]
    told = answer("own", REPORT, {}, asked, "Read the report.").result
    without = answer("own", REPORT, {}, [f for f in FIELDS if f.name in names], "Read the report.").result
    quotes = told.pop("quotes")
    assert told == without
    assert set(quotes) == set(names)
    assert quotes["risk"] == told["risk"]
    assert "1,240" in quotes["customers"]
    assert "grew" in quotes["trend"]
    assert (quotes["topics"], quotes["profitable"]) == (None, None)
    assert all(quote in REPORT for quote in quotes.values() if quote)
