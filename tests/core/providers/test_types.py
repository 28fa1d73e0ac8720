from core.providers.types import with_repair, without_bounds


def test_bounds_go_and_fields_that_are_named_like_bounds_stay() -> None:
    schema = {
        "type": "object",
        "properties": {
            "minimum": {"type": "number", "minimum": 1, "maximum": 2},
            "pattern": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "a", "maxLength": 3}},
            "properties": {"type": "object", "properties": {"maxLength": {"type": "string", "minLength": 1}}},
        },
        "required": ["minimum"],
        "additionalProperties": False,
    }
    assert without_bounds(schema) == {
        "type": "object",
        "properties": {
            "minimum": {"type": "number"},
            "pattern": {"type": "array", "items": {"type": "string"}},
            "properties": {"type": "object", "properties": {"maxLength": {"type": "string"}}},
        },
        "required": ["minimum"],
        "additionalProperties": False,
    }


def test_a_repair_asks_the_same_question_with_the_broken_answer() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Q"}]}
    again = with_repair(body, "", "not JSON {")
    assert again["model"] == "m"
    assert [message["role"] for message in again["messages"]] == ["user", "assistant", "user"]
    assert again["messages"][1]["content"] == "(empty)"
    assert "not JSON {" in again["messages"][2]["content"]
    assert len(body["messages"]) == 1
