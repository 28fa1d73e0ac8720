import jsonschema
import pytest

from core.errors import InvalidInput
from core.fields import FieldSpec, json_schema

FIELDS = (
    FieldSpec("party", "string", "who owes"),
    FieldSpec("amount", "number", required=False),
    FieldSpec("days", "integer"),
    FieldSpec("binding", "boolean"),
    FieldSpec("topics", "list", required=False),
    FieldSpec("risk", "choice", "how grave", ("low", "high"), required=False),
)
ANSWER = {"party": "Acme", "amount": None, "days": 30, "binding": True, "topics": None, "risk": None}


def accepts(schema: dict, answer: object) -> bool:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).is_valid(answer)


def test_every_property_is_required_and_no_other_is_allowed() -> None:
    schema = json_schema(FIELDS, insights=False)
    assert schema["required"] == [field.name for field in FIELDS]
    assert accepts(schema, ANSWER)
    assert not accepts(schema, ANSWER | {"more": 1})
    for name in ANSWER:
        assert not accepts(schema, {key: value for key, value in ANSWER.items() if key != name})


@pytest.mark.parametrize(
    ("name", "fits", "wrong"),
    [
        ("party", "", None),
        ("amount", 1.5, "1.5"),
        ("days", 7, 7.5),
        ("binding", False, None),
        ("topics", ["a", "b"], [1]),
        ("risk", "high", "medium"),
    ],
)
def test_each_type_takes_its_own_values(name: str, fits: object, wrong: object) -> None:
    schema = json_schema(FIELDS, insights=False)
    assert accepts(schema, ANSWER | {name: fits})
    assert not accepts(schema, ANSWER | {name: wrong})


def test_a_required_choice_is_not_nullable() -> None:
    schema = json_schema([FieldSpec("risk", "choice", "", ("low", "high"))], insights=False)
    assert not accepts(schema, {"risk": None})


def test_insights_are_statements_with_quotes_and_the_fields() -> None:
    schema = json_schema(FIELDS, insights=True)
    finding = {"statement": "Acme pays.", "quote": "Acme shall pay"} | ANSWER
    assert accepts(schema, {"insights": [finding, finding]})
    assert accepts(schema, {"insights": []})
    assert not accepts(schema, {"insights": [ANSWER]})


def test_insights_need_no_fields() -> None:
    assert accepts(json_schema([], insights=True), {"insights": [{"statement": "a", "quote": "b"}]})


def test_descriptions_are_handed_on() -> None:
    properties = json_schema(FIELDS, insights=False)["properties"]
    assert properties["party"]["description"] == "who owes"
    assert "description" not in properties["days"]


@pytest.mark.parametrize(
    ("fields", "insights", "reason"),
    [
        ([], False, "no fields"),
        ([FieldSpec("", "string")], False, "not a field name"),
        ([FieldSpec("2nd", "string")], False, "not a field name"),
        ([FieldSpec("due date", "string")], False, "not a field name"),
        ([FieldSpec("größe–breite", "string")], False, "not a field name"),
        ([FieldSpec("größe", "string"), FieldSpec("gro\u0308ße", "string")], False, "two fields"),
        ([FieldSpec("a\n", "string")], False, "not a field name"),
        ([FieldSpec("a" * 65, "string")], False, "not a field name"),
        ([FieldSpec("a", "string"), FieldSpec("a", "number")], False, "two fields named 'a'"),
        ([FieldSpec("quote", "string")], True, "already"),
        ([FieldSpec("statement", "string")], True, "already"),
        ([FieldSpec("a", "date")], False, "type is one of"),  # type: ignore[arg-type]
        ([FieldSpec("a", "choice")], False, "name the choices"),
        ([FieldSpec("a", "choice", "", ("x", " "))], False, "none may be empty"),
        ([FieldSpec("a", "choice", "", ("x", "x"))], False, "once"),
        ([FieldSpec("a", "string", "", ("x",))], False, "has choices, and its type takes none"),
    ],
)
def test_what_makes_no_schema_is_refused_with_the_reason(fields: list[FieldSpec], insights: bool, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        json_schema(fields, insights)


def test_a_quote_is_asked_for_beside_the_fields_and_only_where_it_is_wanted() -> None:
    plain = FieldSpec("fee", "number")
    asked = FieldSpec("party", "string", quote=True)
    schema = json_schema([plain, asked], insights=False)
    assert schema["required"] == ["fee", "party", "quotes"]
    for quote, fits in (("Acme pays.", True), (None, True), (1, False)):
        assert accepts(schema, {"fee": 1, "party": "Acme", "quotes": {"party": quote}}) is fits
    assert not accepts(schema, {"fee": 1, "party": "Acme", "quotes": {"party": None, "fee": None}})
    assert "quote" not in plain.as_json()
    assert FieldSpec(**asked.as_json()) == asked


@pytest.mark.parametrize(
    ("fields", "insights", "reason"),
    [
        ([FieldSpec("a", "string", quote=True)], True, "every insight has a quote"),
        ([FieldSpec("quotes", "string"), FieldSpec("a", "string", quote=True)], False, "another name"),
    ],
)
def test_a_quote_that_has_no_place_is_refused(fields: list[FieldSpec], insights: bool, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        json_schema(fields, insights)


def test_statement_and_quote_are_free_names_without_insights() -> None:
    assert "quote" in json_schema([FieldSpec("quote", "string")], insights=False)["properties"]


@pytest.mark.parametrize("name", ["größe", "срок", "期限", "نوع", "नाम_2", "_é", "プロジェクト", "a"])
def test_a_field_has_a_name_in_any_script(name: str) -> None:
    assert list(json_schema([FieldSpec(name, "string")], False)["properties"]) == [name]
