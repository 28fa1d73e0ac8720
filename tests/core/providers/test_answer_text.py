"""The JSON in what a model wrote: looked for around, read strictly inside."""

import json

import pytest

from core.providers.answer_text import best, is_object, objects

GOOD = '{"points": [{"statement": "Two pumps </think> failed.", "quote": "a ``` fence and a } brace"}]}'
DRAFT = '<think>\nThe user wants {"json"}. A draft: {"draft": true}\n</think>'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\ufeff{GOOD}",
        f"\n\u200b {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```\n",
        f"  ~~~JSON\n{GOOD}\n~~~",
        f"```json {GOOD} ```",
        f"Here is what you asked for:\n\n```json\n{json.dumps(json.loads(GOOD), indent=2)}\n```\nIs it {{so}}?",
        f"{DRAFT}\n\n{GOOD}",
        f"{DRAFT}\n```json\n{GOOD}\n```",
        f"The opening mark stands in the prompt. {{}}</think>{GOOD}",
        f"<thinking>{{</thinking>\n{GOOD}",
        f"◁think▷ {{ ◁/think▷{GOOD}",
        f"[THINK]Let me see: {{[/THINK]{GOOD}",
        f"<|channel|>analysis<|message|>Draft {{}}<|end|><|start|>assistant<|channel|>final<|message|>{GOOD}",
        f"{GOOD}<|im_end|>",
        f"The answer is {GOOD}",
        json.dumps(GOOD),
    ],
)
def test_what_stands_around_an_answer_is_looked_past(text: str) -> None:
    assert json.loads(GOOD) in list(objects(text))


@pytest.mark.parametrize(
    "text",
    ["", "{", "No JSON.", "{'points': []}", '{"points": [],}', '{"a": NaN}', f"```json\n{GOOD[:-1]}\n```", "<think>{"],
)
def test_what_is_no_json_is_not_mended(text: str) -> None:
    assert list(objects(text)) == []


def test_of_two_answers_none_is_chosen() -> None:
    assert not is_object('{"a": 1} or rather {"a": 2}')


def test_the_answer_is_taken_from_where_it_stands() -> None:
    assert best("Let me call it.", ("no", GOOD)) == GOOD
    assert best(GOOD, ('{"other": 1}',)) == GOOD
    assert best("", ("I think.",)) == ""
