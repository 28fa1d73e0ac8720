"""The built-in templates: prompt, output schema and parameters of each."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.languages import Language
from core.tables.jobs import JUDGE

# Of a judge: pairs in one request, and tokens of what it says of one.
PAIRS_AT_ONCE, TOKENS_OF_A_VERDICT = 20, 45
LENGTHS = {"short": 60, "medium": 150, "long": 400}


class Params(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoParams(Params):
    pass


class Worded(Params):
    """Parameters of templates whose answers have words of the model's own, and so a language."""

    language: Language = Field(
        None, description="of the answers; document: that of each document; left out: the default of this installation"
    )


class SummarizeParams(Worded):
    length: Literal["short", "medium", "long"] | Annotated[int, Field(ge=10, le=3000)] = Field(
        "medium", description="short, medium, long, or a number of words (10 to 3,000)"
    )

    @property
    def words(self) -> int:
        return self.length if isinstance(self.length, int) else LENGTHS[self.length]


class CountParams(Worded):
    count: int = Field(5, ge=1, le=50, description="how many, 1 to 50")


class QaParams(Worded):
    question: str = Field(min_length=3, max_length=2000, description="the question to answer")


@dataclass(frozen=True)
class BuiltIn:
    """`typical_output`: tokens of a usual answer, or of one item where a count is asked for; for estimates.

    `of_documents`: without it it is no template to choose: core.judging asks it of pairs.
    """

    id: str
    name: str
    description: str
    prompt: str
    schema: dict[str, Any]
    params: type[Params]
    insights: bool
    typical_output: int
    of_documents: bool = True


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_STRING = {"type": "string", "minLength": 1}
_STRINGS = {"type": "array", "items": {"type": "string"}}

BUILT_IN: dict[str, BuiltIn] = {
    template.id: template
    for template in (
        BuiltIn(
            "summarize",
            "Summarize",
            "A summary of the wanted length.",
            "Summarize the document in about {words} words.",
            _object(summary=_STRING),
            SummarizeParams,
            False,
            200,
        ),
        BuiltIn(
            "sentiment",
            "Sentiment",
            "The overall tone with a score from -1 to 1 and the confidence in it.",
            "Judge the overall sentiment of the document: positive, negative, neutral or mixed; a score from -1 "
            "(very negative) to 1 (very positive); and your confidence from 0 to 1.",
            _object(
                sentiment={"type": "string", "enum": ["positive", "negative", "neutral", "mixed"]},
                score={"type": "number", "minimum": -1, "maximum": 1},
                confidence={"type": "number", "minimum": 0, "maximum": 1},
            ),
            NoParams,
            False,
            40,
        ),
        BuiltIn(
            "key_points",
            "Key points",
            "The most important statements, each with the quote that carries it.",
            "State the {count} most important points of the document, fewer if there are not as many. Each point is "
            "one self-contained statement with the quote that supports it best.",
            _object(points={"type": "array", "items": _object(statement=_STRING, quote=_STRING)}),
            CountParams,
            True,
            90,
        ),
        BuiltIn(
            "questions",
            "Questions",
            "Questions that the document answers.",
            "Write {count} questions that this document answers, the most useful ones first.",
            _object(questions={"type": "array", "items": _STRING}),
            CountParams,
            False,
            25,
        ),
        BuiltIn(
            "qa",
            "Question and answer",
            "One question asked of every document, answered with quotes.",
            "Answer this question from the document alone: {question}\n"
            "If the document does not answer it, set found to false, leave quotes empty and say so in answer.",
            _object(answer={"type": "string"}, found={"type": "boolean"}, quotes=_STRINGS),
            QaParams,
            True,
            200,
        ),
        BuiltIn(
            JUDGE,
            "Judge of pairs",
            "What two statements are to one another, with the words that decide. It is asked of pairs, on Review.",
            "Say for each pair what statement a is to statement b:\n"
            "- same: both say exactly the same in other words; whoever holds one holds the other.\n"
            "- conflict: both cannot be true.\n"
            "- over_time: they would contradict one another, but they are about different times.\n"
            "- more: a says all that b says, and more. less: b says all that a says, and more.\n"
            "- different: none of these.\n"
            "- unsure: their words do not decide it.\n"
            "Another figure, unit, date, name or a denial is never the same. As a_words and b_words copy from a and "
            "from b the words that decide it; leave both empty if you are unsure. Give one verdict for each pair, by "
            "its number.",
            _object(
                verdicts={
                    "type": "array",
                    "items": _object(
                        pair={"type": "integer"},
                        verdict={
                            "type": "string",
                            "enum": ["same", "different", "conflict", "over_time", "more", "less", "unsure"],
                        },
                        a_words={"type": "string"},
                        b_words={"type": "string"},
                    ),
                }
            ),
            NoParams,
            False,
            PAIRS_AT_ONCE * TOKENS_OF_A_VERDICT,
            of_documents=False,
        ),
    )
}
