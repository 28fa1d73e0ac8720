"""What each kind of provider can do, as data: asking needs neither a key nor an SDK.

A provider is a row with a name and a kind (core/settings/provider_rows.py); those that bear their kind's name are there
from the start.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["openai", "anthropic", "offline"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Capabilities:
    """The defaults describe a language model behind an API.

    `is_local`: it answers on this machine, without a key, an address or a queue of its own.
    `is_billed`: its calls cost money; what is not billed has no price to estimate or confirm.
    `has_batch_window`: a batch that is not done within 24 hours expires and leaves requests unanswered.
    `can_translate`: it answers in any language, not only in the document's own words.
    `can_merge`: it can make one answer of the answers of a long document's parts.
    `can_judge`: it can say what two statements are to one another.
    `has_our_tokenizer`: our token counts are its own; for others they are estimates.
    `has_request_files`: its batch API has a file format for requests; a line of it names its method and url.
    `needs_max_tokens`: it refuses a body without `max_tokens`.
    `limits_count_max_output`: its token limits count what a call may write at most, not what it writes.
    `reports_progress`: it counts a batch's answers before the batch has ended.
    `cancels_slowly`: a cancelled batch may take ten minutes to end.
    `hottest`: the highest temperature that it takes; None: there is nothing to set of how it writes.
    `own_endpoints`: where requests of one's own may go; empty: it takes templates only.
    """

    label: str
    label_in_sentences: str
    short_label: str
    is_local: bool = False
    is_language_model: bool = True
    is_billed: bool = True
    has_rate_limits: bool = True
    has_batch_window: bool = True
    can_translate: bool = True
    can_merge: bool = True
    can_judge: bool = True
    has_our_tokenizer: bool = False
    has_request_files: bool = False
    needs_max_tokens: bool = False
    limits_count_max_output: bool = False
    reports_progress: bool = True
    cancels_slowly: bool = False
    hottest: int | None = 2
    own_endpoints: tuple[str, ...] = ()


_KNOWN: dict[Kind, Capabilities] = {
    "openai": Capabilities(
        "OpenAI",
        "OpenAI",
        "OpenAI",
        has_our_tokenizer=True,
        has_request_files=True,
        limits_count_max_output=True,
        cancels_slowly=True,
        own_endpoints=("/v1/chat/completions", "/v1/responses", "/v1/embeddings"),
    ),
    "anthropic": Capabilities(
        "Anthropic",
        "Anthropic",
        "Anthropic",
        needs_max_tokens=True,
        reports_progress=False,
        hottest=1,
        own_endpoints=("/v1/messages",),
    ),
    "offline": Capabilities(
        "Offline engine (no language model)",
        "the offline engine",
        "Offline engine",
        is_local=True,
        is_language_model=False,
        is_billed=False,
        has_rate_limits=False,
        has_batch_window=False,
        can_translate=False,
        can_merge=False,
        can_judge=False,
        hottest=None,
    ),
}


def of_kind(kind: Kind) -> Capabilities:
    return _KNOWN[kind]


# Called at an address and with a key, both of which can be set; so can its model and our caps on its rates.
REMOTE: tuple[Kind, ...] = tuple(kind for kind in KINDS if not of_kind(kind).is_local)
