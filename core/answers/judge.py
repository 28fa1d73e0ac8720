"""Judge an answer: whether it can be read and keeps the schema that was asked for, and which findings it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import jsonschema
import orjson

from core.asking import prompt_canary
from core.asking.prompts import Asking
from core.errors import ProviderError
from core.fields import QUOTES, quoted
from core.insight_base.writing import Finding
from core.providers import answer_text
from core.runtime.text import storable
from core.settings import provider_rows


@dataclass(frozen=True)
class Verdict:
    """`code` is ok, or the reason why the answer cannot be used. After `schema` alone the request is asked again."""

    code: str
    message: str = ""
    result: dict[str, Any] | None = None


@dataclass(frozen=True)
class Read:
    """An answer's text and the reason why the model stopped. `fault`: the error, where a body could not be read."""

    text: str
    finish_reason: str
    fault: str = ""


class Readable(Protocol):
    """A response: with `text` and `finish_reason`, or with its `raw` body and who made it."""

    @property
    def text(self) -> str | None: ...
    @property
    def finish_reason(self) -> str | None: ...
    @property
    def raw(self) -> str | None: ...
    @property
    def provider(self) -> str: ...
    @property
    def endpoint(self) -> str | None: ...


def read(response: Readable, asking: Asking | None) -> Read:
    """The answer's text and finish reason; a body that was not read yet is parsed as its provider's.

    `asking`: what an object was asked for by, which is looked for wherever the body may hold it.
    """
    if response.text is not None:
        return Read(response.text, response.finish_reason or "")
    try:
        parsed = provider_rows.keyless(response.provider).parse(response.raw or "", response.endpoint)
    except ProviderError as error:
        return Read("", "bad_response", error.message)
    fits = answer_text.to_schema(asking.schema) if asking and parsed.elsewhere else None
    return Read(storable(parsed.answer(fits)), parsed.finish_reason)


def judge(asking: Asking | None, text: str, finish_reason: str, written: int = 0) -> Verdict:
    """Judge an answer by its asking's schema; without an asking every answer that was not cut short is ok. Pure.

    `written`: its tokens, as the server says.
    """
    if finish_reason == "length" and asking:
        return Verdict(finish_reason, cut_off(asking.max_output_tokens, written))
    reason = UNUSABLE.get(finish_reason)
    if reason is not None and not (finish_reason == "other" and asking):
        return Verdict(finish_reason, reason)
    if not text.strip():
        return Verdict("other", UNUSABLE["other"]) if reason else Verdict("empty", EMPTY)
    if asking is None:
        return Verdict("ok")
    verdict = _validated(asking, text)
    # What fits is an answer, whatever the server calls its end. What is no JSON may have been cut.
    return Verdict("other", UNUSABLE["other"]) if reason and verdict.code == NOT_JSON else _by_schema(verdict)


def cut_off(longest: int, written: int) -> str:
    """Of an answer that ended at a limit: whose limit that was, and what to do."""
    if 0 < written < EARLIER * longest:
        return (
            f"The answer was cut off after {written:,} tokens, before the {longest:,} that it was asked for: the "
            "server's own limit, or its context, is smaller. Raise it there, choose another model, or ask for less."
        )
    return (
        f"The answer was cut off at its longest, {longest:,} tokens. Ask for less, or set a longer answer: under More "
        "on Analyse, over HTTP sampling.max_output_tokens."
    )


# Of the longest answer: one that ends at less was cut by another limit.
EARLIER = 0.9


def was_cut(sent: int, read: int) -> bool:
    """Whether the server read far less than it was sent. Tokenizers differ by less than that; and a server that does
    not say what it read, reads 0."""
    return sent * LEAST_READ > read >= SMALLEST_CONTEXT


# Servers of one's own cut what is longer than their context, and answer from the rest without a word. Fewer tokens are
# no context: such a count leaves out what the server had in its cache.
LEAST_READ, SMALLEST_CONTEXT = 0.5, 512


def cut_input(sent: int, read: int) -> Verdict:
    return Verdict(
        "cut_input",
        f"The server read {read:,} of about {sent:,} tokens: it cut the question to its context, so this is an answer "
        "to a part of the document. Give the model a larger context at the server (num_ctx at Ollama, --ctx-size at "
        "llama.cpp), choose another model, or ask of shorter documents.",
    )


def repeats_its_instructions(text: str, verdict: Verdict, word: str) -> bool:
    """Whether the answer has the canary, as it is written or once it is parsed."""
    parsed = orjson.dumps(verdict.result).decode() if verdict.result else ""
    return prompt_canary.is_in(text, word) or prompt_canary.is_in(parsed, word)


LEAKED = Verdict(
    "instructions_repeated",
    "The answer repeats the instructions that the model was given, so the document may have made it do so. It is kept "
    "raw, and nothing is made of it. Look at the passages that are marked in the document before you send it again.",
)


def _by_schema(verdict: Verdict) -> Verdict:
    return replace(verdict, code="schema") if verdict.code == NOT_JSON else verdict


def _validated(asking: Asking, text: str) -> Verdict:
    """The first of its readings that fits the schema, else why its likeliest one does not."""
    validator = jsonschema.Draft202012Validator(asking.schema)
    unfit = None
    try:
        for found in answer_text.objects(text):
            error = next(validator.iter_errors(found), None)
            if error is None:
                return Verdict("ok", result=found)
            said = f"The answer breaks the schema at {error.json_path}: {error.message[:500]}"
            unfit = unfit or Verdict("schema", said)
    except RecursionError:
        return Verdict("schema", "The answer is nested too deeply.")
    strewn = answer_text.fitting(text, answer_text.to_schema(asking.schema))
    if strewn is not None:
        return Verdict("ok", result=strewn)
    return unfit or Verdict(NOT_JSON, f"The answer is not JSON: {_why(text)}")


NOT_JSON = "not_json"


def _why(text: str) -> str:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return str(error)
    return "its text is none"


EMPTY = "The model gave an empty answer. Send it again or choose another model."
UNUSABLE = {
    "length": "The answer was cut off at the output limit. Ask for less, or choose a model with a higher limit.",
    "refusal": "The model refused to answer. Look at the document and the prompt.",
    "content_filter": "The provider's content filter stopped the answer. Look at the document and the prompt.",
    "bad_response": "The answer has no text that can be read. Its raw body is kept; choose another model or server.",
    "other": "The model stopped for a reason that Cairn does not know. Send it again.",
}


def findings_of(asking: Asking, result: Mapping[str, Any]) -> list[Finding]:
    """The statements of a validated result with their quotes; none for a template that makes no insights."""
    if not asking.insights:
        return []
    if asking.template_id == "key_points":
        return [Finding(point["statement"], (point["quote"],), {}) for point in result["points"]]
    if asking.template_id == "qa":
        if not result["found"] or not result["answer"].strip():
            return []
        question = asking.params["question"]
        return [Finding(result["answer"], tuple(result["quotes"]), {"question": question}, question)]
    return [
        Finding(
            item["statement"],
            (item["quote"],),
            {name: value for name, value in item.items() if name not in ("statement", "quote")},
        )
        for item in result["insights"]
    ]


def quotes_of(asking: Asking, result: Mapping[str, Any]) -> dict[str, str]:
    """By field, the quotes that a validated result gives for values."""
    found = result[QUOTES] if quoted(asking.fields) else {}
    return {name: quote for name, quote in found.items() if quote and result[name] not in (None, "")}
