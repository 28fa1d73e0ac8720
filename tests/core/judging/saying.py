"""A provider's answers about pairs, and pairs to ask about."""

import json
import re
from collections.abc import Callable
from typing import Any

from tests.local_provider import Plan, Reply
from tests.pages import made
from tests.pipeline import ready_documents, rows

_PAIRS = re.compile(r"<pairs-(\w+)>\n(.*)\n</pairs-\1>", re.DOTALL)
CRACK = ("The turbine manifold cracked at the weld.", "At its weld the manifold of the turbine has cracked.")
PUMP = ("The pump costs 300 euros.", "The pump costs 500 euros.")
LAMP = ("The lamp hangs in the hall.", "The hall has a lamp that was painted green.")
# Verdict, words of a, words of b.
Said = tuple[str, str, str]
Saying = Callable[[dict[str, Any]], Said]


def asked_pairs(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The pairs as they stand in a request; they stand in no system prompt."""
    (user,) = (one["content"] for one in body["messages"] if one["role"] == "user")
    found = _PAIRS.search(user)
    assert found is not None
    assert not any(found.group(2) in one["content"] for one in body["messages"] if one["role"] == "system")
    return [json.loads(line) for line in found.group(2).splitlines()]


def verdicts(body: dict[str, Any], saying: Saying) -> str:
    said = [(one["pair"], *saying(one)) for one in asked_pairs(body)]
    names = ("pair", "verdict", "a_words", "b_words")
    return json.dumps({"verdicts": [dict(zip(names, one, strict=True)) for one in said]})


def plan(saying: Saying) -> Plan:
    return lambda asked: Reply(content=verdicts(asked.body, saying))


def whole(verdict: str) -> Saying:
    """The same verdict of all, because of all their words."""
    return lambda one: (verdict, one["a"], one["b"])


def by_statement(**told: Said) -> Saying:
    """By the word that a statement begins with: its words come first, as they are said here."""

    def saying(one: dict[str, Any]) -> Said:
        name = next(name for name in told if name in one["a"].lower())
        verdict, a, b = told[name]
        return (verdict, a, b) if a in one["a"] else ({"more": "less", "less": "more"}.get(verdict, verdict), b, a)

    return saying


def pairs(*both: tuple[str, str], kind: str = "merge") -> list[str]:
    """Open pairs of these statements, each of which stands in a document. Returns the insights' ids, two by two."""
    documents = ready_documents(2) if not rows("SELECT 1 FROM document") else ["doc_0000", "doc_0001"]
    ids = []
    for a, b in both:
        one, other = (
            made.insights(statement, documents=[document], quote="It works again.")[0]
            for statement, document in zip((a, b), documents, strict=True)
        )
        made.pair(one, other, kind)
        ids += [one, other]
    return ids
