"""The requests for one document: one, or one for each part and those that merge the parts' answers. Pure.

A fingerprint is the hash of everything that decides an answer: provider and base URL, the body built around an empty
document (prompt, schema, model, limits), the template version, and the hash of the document's text. So the database
finds earlier answers before a single body is built.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import orjson

from core.asking import prompt_canary, prompts, splitting
from core.asking.prompts import Asking
from core.asking.splitting import Part
from core.providers.capabilities import Capabilities
from core.providers.types import Prompt, Provider
from core.runtime import text as runtime_text
from core.runtime import tokens
from core.settings import learned_contexts, provider_rows

# We count with OpenAI's tokenizer, and a body has some tokens around its texts; others make up to a third more.
OWN_MARGIN = 0.9
OTHERS_MARGIN = 0.7
# Tokens. A model with room for less of a document is not asked part by part.
SHORTEST_PART = 500
# Tokens around each of the answers that are merged.
AROUND_AN_ANSWER = 20


@dataclass(frozen=True)
class New:
    """A request to be made, of a document or of what is in its body alone. Without a body it is a merge: `held` for its
    parts, or `answered` by what is `known`."""

    custom_id: str
    document: str | None
    fingerprint: str
    state: str
    tokens: int = 0
    body: str | None = None
    merged_by: str | None = None
    known: int | None = None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Question:
    """A template version for one model, ready to be asked of any document of one workspace.

    `scope`: see core.runtime.workspace. `canary`: of the installation; it stands in bodies and in no fingerprint.
    """

    asking: Asking
    provider: Provider
    model: str
    scope: str
    canary: str = ""

    @property
    def _can(self) -> Capabilities:
        return provider_rows.can(self.provider.name)

    @cached_property
    def prefix(self) -> str:
        """The part of the fingerprint that all documents share."""
        return self._hash(self._body(prompts.build(self.asking, "", "0" * 64)))

    @cached_property
    def merge_prefix(self) -> str:
        """The same for documents that are asked in parts; the budget decides how they are cut."""
        return self._hash(self._body(prompts.build_merge(self.asking, ())), self.prefix, self.budget)

    def _hash(self, *deciding: object) -> str:
        asked = [self.provider.name, self.provider.base_url, *deciding, self.asking.template_id, self.asking.version]
        return _hashed(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS).decode())

    @cached_property
    def overhead(self) -> int:
        """Input tokens of a request beside its document."""
        return tokens.count(prompts.build(self.asking, "", "0" * 64, canary=prompt_canary.LIKE_ONE).asked)

    @cached_property
    def merge_overhead(self) -> int:
        return tokens.count(prompts.build_merge(self.asking, (), canary=prompt_canary.LIKE_ONE).asked)

    @cached_property
    def budget(self) -> int:
        """How many tokens a document may have to fit the model's context. The canary is left to the margin: where a
        text is cut decides the answer, and so which answers are known."""
        return self._room(tokens.count(prompts.build(self.asking, "", "0" * 64).asked))

    @cached_property
    def merged_at_once(self) -> int:
        """How many answers certainly fit one merge; 0 where a long document cannot be asked in parts."""
        if not self._can.can_merge or self.budget < SHORTEST_PART:
            return 0
        overhead = tokens.count(prompts.build_merge(self.asking, ()).asked)
        fitting = self._room(overhead) // (self.asking.max_output_tokens + AROUND_AN_ANSWER)
        return fitting if fitting >= 2 else 0

    def _room(self, overhead: int) -> int:
        context = learned_contexts.of(self.provider.name, self.provider.base_url, self.model)
        room = context - self.asking.max_output_tokens - overhead
        return int(room * (OWN_MARGIN if self._can.has_our_tokenizer else OTHERS_MARGIN))

    def body(self, text: str, text_sha256: str) -> str:
        return orjson.dumps(self._body(prompts.build(self.asking, text, text_sha256, canary=self.canary))).decode()

    def _body(self, prompt: Prompt) -> dict[str, object]:
        return self.provider.body(prompt, self.model)

    def of_document(self, document: str, text: str, text_sha256: str, counted: int) -> list[New]:
        if counted <= self.budget:
            return [self._pending(document, document, text, text_sha256, counted)]
        if not self.merged_at_once:
            return [self._too_long(document, text_sha256, counted)]
        cut = splitting.split(text, self.budget)
        if len(cut) == 1:
            return [self._part(document, document, text, cut[0])]
        return list(self._in_parts(document, document, text, text_sha256, cut))

    def in_parts(self, document: str, name: str, text: str, most: int) -> list[New]:
        """The requests for a text in parts of up to `most` tokens; the last is `name`, which merges them."""
        cut = splitting.split(text, most)
        if len(cut) == 1:
            return [self._part(document, name, text, cut[0])]
        return list(self._in_parts(document, name, text, runtime_text.text_hash(text), cut))

    def fingerprint(self, text_sha256: str) -> str:
        return self.scope + _hashed(self.prefix + text_sha256)

    def merged(self, text_sha256: str) -> str:
        """The fingerprint of the merged answer of a long document."""
        return self.scope + _hashed(self.merge_prefix + text_sha256)

    def known(self, document: str, text_sha256: str, response: int) -> New:
        """The request of a long document whose merged answer is reused: `response` is its id."""
        return New(document, document, self.merged(text_sha256), "answered", known=response)

    def _in_parts(self, document: str, whole: str, text: str, text_sha256: str, cut: list[Part]) -> Iterator[New]:
        """The parts, then the merges level by level; the last is the one named `whole`."""
        names = [f"{whole}.{number}" for number in range(1, len(cut) + 1)]
        for level, above in enumerate(splitting.levels(len(cut), self.merged_at_once)):
            merges = [f"{whole}.merge{level + 1}-{number}" for number in range(1, above[-1] + 2)]
            merges = merges if len(merges) > 1 else [whole]
            for number, name in enumerate(names):
                by = merges[above[number]]
                if level == 0:
                    yield self._part(document, name, text, cut[number], by)
                else:
                    yield self._held(document, name, text_sha256 + name.removeprefix(whole), by)
            names = merges
        yield self._held(document, whole, text_sha256)

    def _part(self, document: str, custom_id: str, text: str, part: Part, merged_by: str | None = None) -> New:
        own = text[part.start : part.end]
        return self._pending(document, custom_id, own, runtime_text.text_hash(own), part.tokens, merged_by)

    def _pending(
        self, document: str, custom_id: str, text: str, text_sha256: str, counted: int, merged_by: str | None = None
    ) -> New:
        return New(
            custom_id,
            document,
            self.fingerprint(text_sha256),
            "pending",
            counted + self.overhead,
            self.body(text, text_sha256),
            merged_by,
        )

    def _held(self, document: str, custom_id: str, what: str, merged_by: str | None = None) -> New:
        return New(custom_id, document, self.merged(what), "held", merged_by=merged_by)

    def _too_long(self, document: str, text_sha256: str, counted: int) -> New:
        message, print_ = self.too_long(counted), self.fingerprint(text_sha256)
        return New(document, document, print_, "failed", counted, code="document_too_long", message=message)

    def too_long(self, counted: int) -> str:
        return (
            f"The document has {counted:,} tokens and {self.model} takes {max(self.budget, 0):,} of a document. "
            "Choose a model with a larger context, or split the document."
        )


def _hashed(what: str) -> str:
    return hashlib.sha256(what.encode()).hexdigest()


# Tokens that estimates expect of the answer to a request of one's own.
OWN_OUTPUT_TOKENS = 500
