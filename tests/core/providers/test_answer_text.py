"""The JSON in what a model wrote: looked for around, read strictly inside."""

import json

import pytest

from core.providers.answer_text import best, fitting, is_object, objects, to_schema

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


FITS = to_schema({"type": "object", "required": ["points"], "properties": {"points": {"type": "array"}}})


def test_the_answer_is_taken_from_where_it_stands() -> None:
    assert best("Let me call it.", ("no", GOOD), FITS) == GOOD
    assert best(GOOD, ('{"other": 1}',), FITS) == GOOD
    assert best('{"name": "answer"}', ('{"other": 1}', GOOD), FITS) == GOOD
    assert best("Well.", ('{"other": 1}',), FITS) == '{"other": 1}'
    assert best("", ("I think.",), FITS) == ""


@pytest.mark.parametrize(
    "text",
    [
        f"[{GOOD}]",
        f'{{"answer": {GOOD}}}',
        f'{{"name": "key_points", "arguments": {GOOD}}}',
        f'<tool_call>{{"name": "key_points", "arguments": {json.dumps(GOOD)}}}</tool_call>',
        f'Draft:\n```json\n{{"x": 1}}\n```\nFinal:\n```json\n{GOOD}\n```',
        f"As {{asked}}: {GOOD} Hope {{this}} helps!",
        f"{GOOD}\n{GOOD}",
        f"analysisWe need {{json}}assistantfinal{GOOD}",
        f'{{"step": 1}}\n{GOOD}',
    ],
)
def test_of_what_stands_there_the_one_that_fits_is_the_answer(text: str) -> None:
    assert fitting(text, FITS) == json.loads(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        '{"points": [1]} or rather {"points": [2]}',
        f'{{"example": {GOOD}}}',
        f"[{GOOD}, {GOOD}]",
        f'{{"answer": {GOOD}, "more": ',
        f'So: [{{"deep": {GOOD}',
        GOOD.replace("points", "Points"),
        "{" * 5_000,
    ],
)
def test_nothing_is_chosen_or_taken_out_of_something_else(text: str) -> None:
    assert fitting(text, FITS) is None
