"""In which form a server takes a template's question: what it refused is asked in the next form. Pure.

Bodies are built in the one form that most servers take, so that fingerprints do not depend on what was learned of a
server. A body is put into the learned form when it is sent, in both lanes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from core.errors import ProviderError
from core.providers.sampling import AS_ASKED, Sampling

Answers = Literal["json_schema", "json_object", "text"]
Limit = Literal["max_tokens", "max_completion_tokens"]
NEXT: dict[str, Answers] = {"json_schema": "json_object", "json_object": "text"}
LIMITS: tuple[Limit, ...] = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True)
class Form:
    """How a question differs from the body that was built. `answers`: how the schema is asked for; `limit`: the name of
    the longest answer, None as built; `sampled` False: without temperature; `streamed`: as a stream; `system` False:
    without a message of the system's, whose text then begins the question."""

    answers: Answers = "json_schema"
    limit: Limit | None = None
    sampled: bool = True
    streamed: bool = False
    system: bool = True


AS_BUILT = Form()
# Statuses of refusals that may be about the form of a question.
REFUSED = frozenset({400, 415, 422, 500, 501})
# Reasoning tokens count against the output limit: without extra room the answer comes back empty.
REASONING_ROOM = 8_000


def read(value: Mapping[str, Any]) -> Form:
    """A form as `as_json` wrote it; what this version does not know is left out."""
    return Form(**{field.name: value[field.name] for field in fields(Form) if field.name in value})


def as_json(form: Form) -> dict[str, Any]:
    """What differs from a body as it was built."""
    return {name: value for name, value in asdict(form).items() if value != getattr(AS_BUILT, name)}


def may_be_of_form(error: ProviderError) -> bool:
    """Whether a refusal may be about the form of the question, and not about its length, the key or the model."""
    return error.status in REFUSED and error.code in ("invalid_request", "server_error")


def fitted(body: dict[str, Any], form: Form, sampling: Sampling = AS_ASKED) -> dict[str, Any]:
    """The body of a template's question in this form; the same object where nothing is to be changed.

    `sampling`: what its job set; a longest answer is then sent as it was set.
    """
    if form == AS_BUILT:
        return body
    made = dict(body)
    if form.answers != "json_schema":
        made = _asked_in_words(made, form.answers)
    if form.limit and (had := next((name for name in LIMITS if name in made), None)):
        # A model that wants the other name thinks, and its thoughts count against the limit.
        thinks = (form.limit, had) == ("max_completion_tokens", "max_tokens") and not sampling.max_output_tokens
        made[form.limit] = made.pop(had) + (REASONING_ROOM if thinks else 0)
    if not form.sampled:
        made.pop("temperature", None)
    if form.streamed:
        made |= {"stream": True, "stream_options": {"include_usage": True}}
    return made if form.system else _without_system(made)


def schema_in(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema that a body, as it was built, asks the answer to fit."""
    asked = body.get("response_format", {}).get("json_schema") or body.get("output_config", {}).get("format") or {}
    found: dict[str, Any] | None = asked.get("schema")
    return found


def _asked_in_words(body: dict[str, Any], answers: Answers) -> dict[str, Any]:
    asked = body.pop("response_format", None)
    schema = (asked or {}).get("json_schema", {}).get("schema")
    if "output_config" in body:
        config = dict(body.pop("output_config"))
        schema = config.pop("format", {}).get("schema")
        body |= {"output_config": config} if config else {}
    elif answers == "json_object":
        body["response_format"] = {"type": "json_object"}
    if schema is None:
        return body
    words = IN_WORDS.format(schema=json.dumps(schema, ensure_ascii=False))
    if isinstance(body.get("system"), str):
        return {**body, "system": f"{body['system']}\n\n{words}"}
    first, *rest = body["messages"]
    if first.get("role") == "system":
        return {**body, "messages": [{**first, "content": f"{first['content']}\n\n{words}"}, *rest]}
    return {**body, "messages": [{"role": "system", "content": words}, first, *rest]}


IN_WORDS = (
    "Answer with one JSON object and nothing else: no words before or after it, no code fence. It fits this JSON "
    "schema exactly:\n{schema}"
)


def _without_system(body: dict[str, Any]) -> dict[str, Any]:
    first, *rest = body["messages"]
    if first.get("role") != "system" or not rest:
        return body
    question = {**rest[0], "content": f"{first['content']}\n\n{rest[0]['content']}"}
    return {**body, "messages": [question, *rest[1:]]}


def next_form(words: str, form: Form, body: Mapping[str, Any]) -> Form | None:
    """The form to ask in after a refusal in these words; None where they name nothing that another form changes.

    `body`: as it was sent, in `form`.
    """
    said = words.lower()
    tries = (_streamed, _other_limit, _without_temperature, _other_schema, _without_a_system)
    return next((found for one in tries if (found := one(said, form, body))), None)


def _streamed(said: str, form: Form, body: Mapping[str, Any]) -> Form | None:
    return replace(form, streamed=True) if STREAM.search(said) and not form.streamed else None


STREAM = re.compile(
    r"only (?:supports? )?stream|stream(?:ing)?\W+(?:must|should|has to|needs? to) be|must (?:be )?stream"
)


def _other_limit(said: str, form: Form, body: Mapping[str, Any]) -> Form | None:
    """The other name, unless it is Anthropic's, or the value that is too large: another name would take no more."""
    if form.limit or "output_config" in body or "system" in body:
        return None
    if "max_completion_tokens" in body:
        named = re.search(r"\bmax_completion_tokens\b", said)
        return replace(form, limit="max_tokens") if named and UNKNOWN.search(said) else None
    named = re.search(r"\bmax_(?:completion_)?tokens\b", said)
    return replace(form, limit="max_completion_tokens") if named and UNKNOWN.search(said) else None


UNKNOWN = re.compile(
    r"unsupported|not supported|unknown|unrecognized|unexpected|not permitted|extra|instead|not allowed|invalid param"
)


def _without_temperature(said: str, form: Form, body: Mapping[str, Any]) -> Form | None:
    return replace(form, sampled=False) if "temperature" in body and "temperature" in said else None


def _other_schema(said: str, form: Form, body: Mapping[str, Any]) -> Form | None:
    if not SCHEMA.search(said):
        return None
    if "format" in body.get("output_config", {}):
        # Anthropic's API has no plain JSON.
        return replace(form, answers="text")
    return replace(form, answers=NEXT[form.answers]) if "response_format" in body else None


SCHEMA = re.compile(
    r"response.?format|json.?schema|json.?object|json mode|structured.?output|output_(?:config|format)|guided|grammar"
    r"|additionalproperties|response_?schema"
)


def _without_a_system(said: str, form: Form, body: Mapping[str, Any]) -> Form | None:
    has_one = any(message.get("role") == "system" for message in body["messages"])
    return replace(form, system=False) if has_one and SYSTEM.search(said) else None


SYSTEM = re.compile(
    r"system.{0,3} (?:role|message|prompt|instruction)|role\W+system|roles must alternate|developer instruction"
)
