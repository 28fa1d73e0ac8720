"""A mark in the system prompt that no answer has: it changes no fingerprint, and an answer that has it is of no use."""

import json
from dataclasses import replace

import pytest

from core import providers
from core.answers import derive
from core.asking import prompt_canary
from core.asking.prompts import Asking, PairOfStatements
from core.asking.request_plan import Question
from core.judging import questions
from core.judging.questions import Asked as AskedPair
from core.judging.questions import Whom
from core.requests import merges
from core.runtime import db
from core.tables.jobs import JUDGE
from tests.core.answers.test_derive import completion, job_of, keep, points
from tests.pipeline import rows

CANARY = "0123456789abcdef01234567"
ASKING = Asking("key_points", 1, "", (), True, {"count": 2})


def word() -> str:
    with db.transaction() as session:
        return prompt_canary.of_installation(session)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_it_stands_in_the_system_prompt_alone_and_in_no_fingerprint(provider: str) -> None:
    bare = Question(ASKING, providers.keyless(provider), "gpt-4o", "")
    marked = replace(bare, canary=CANARY)
    assert (marked.fingerprint("0" * 64), marked.merged("0" * 64)) == (
        bare.fingerprint("0" * 64),
        bare.merged("0" * 64),
    )
    assert (marked.budget, marked.merged_at_once) == (bare.budget, bare.merged_at_once)
    body, without = (json.loads(one.body("It works.", "0" * 64)) for one in (marked, bare))
    said = [part for part in (body.get("system"), *(one["content"] for one in body["messages"])) if part]
    assert [CANARY in part for part in said] == [True, False]
    assert json.dumps(body).replace(f" {prompt_canary.SENTENCE.format(canary=CANARY)}", "") == json.dumps(without)


@pytest.mark.parametrize(
    ("answer", "has"),
    [
        (f"The mark is {CANARY}.", True),
        (CANARY.upper(), True),
        ("-".join(CANARY), True),
        (f"({CANARY[:12]}\n{CANARY[12:]})", True),
        (CANARY[::-1], True),
        (CANARY[:-1], False),
        ("These instructions bear the mark", False),
    ],
)
def test_an_answer_that_has_it_is_found_however_it_is_written(answer: str, has: bool) -> None:
    assert prompt_canary.is_in(answer, CANARY) is has


@pytest.mark.usefixtures("database")
def test_it_is_made_of_the_installation_s_secret() -> None:
    first = word()
    assert (len(first), first) == (prompt_canary.LENGTH, word())
    with db.transaction() as session:
        db.execute(session, "UPDATE installation SET decision_salt = 'another'")
        assert prompt_canary.of_installation(session) != first
        session.rollback()


@pytest.mark.usefixtures("database")
def test_an_answer_that_has_it_is_kept_and_billed_and_nothing_is_made_of_it() -> None:
    job_of(3)
    escaped = "".join(f"\\u{ord(one):04x}" for one in word())
    keep(
        completion(points(f"The mark is {word()}.")),
        completion('{"points": [{"statement": "' + escaped + '", "quote": "It works again."}]}'),
        completion(points("It works.")),
    )
    derive.derive_chunk()
    assert [(row["state"], row["error_code"]) for row in rows("SELECT * FROM request ORDER BY id")] == [
        ("failed", "instructions_repeated"),
        ("failed", "instructions_repeated"),
        ("succeeded", None),
    ]
    assert [row["statement"] for row in rows("SELECT statement FROM insight")] == ["It works."]
    assert [row["status"] for row in rows("SELECT status FROM usage_record ORDER BY request_id")] == [
        *("unusable", "unusable", "ok")
    ]
    (first, *_) = rows("SELECT CAST(raw AS text) AS raw, result, verdict FROM response ORDER BY id")
    assert (word() in first["raw"], first["result"], first["verdict"]) == (True, None, "instructions_repeated")


def test_it_stands_in_what_is_asked_of_parts_answers_and_of_pairs() -> None:
    body, counted = merges._made(ASKING, "openai", "gpt-4o", [{"points": []}], CANARY)
    assert CANARY in json.loads(body)["messages"][0]["content"]
    assert counted > merges._made(ASKING, "openai", "gpt-4o", [{"points": []}], "")[1]
    asking = Asking(JUDGE, 1, "", (), False, {})
    whom = Whom(asking, providers.keyless("openai"), "gpt-4o", "")
    pair = AskedPair("pair_1", "ins_1", "ins_2", PairOfStatements("It works.", "It does not."), "f")
    bare, marked = (questions._request(one, [pair]) for one in (whom, replace(whom, canary=CANARY)))
    assert (marked.fingerprint, CANARY in marked.body) == (bare.fingerprint, True)
