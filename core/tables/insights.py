"""Statements, the evidence for them, and what people made of them: the insight base."""

from datetime import datetime
from typing import Any, ClassVar, Literal, get_args

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlmodel import Field, SQLModel

from core.tables import columns

State = Literal["new", "confirmed", "dismissed"]
STATES: tuple[State, ...] = get_args(State)
# `conflict`: both cannot hold. `over_time`: only their dates explain that both do. `merge`: perhaps the same.
PairKind = Literal["merge", "conflict", "over_time"]
FoundBy = Literal["span", "quote", "shape", "words", "person", "judge"]
Verdict = Literal["same", "different", "conflict", "over_time", "more", "less"]


# Where a rank begins: rank 0 is nothing, 1 is the first of these and up.
SUPPORT_RANKS = (1, 2, 3, 5, 10, 20, 50)
# What one, two, three, five, eight, fourteen agreeing documents make.
CONFIDENCE_RANKS = (1e-9, 0.5, 0.75, 0.875, 0.95, 0.995, 0.9999)


# SQL: whether evidence e counts for the insight h.
COUNTS = "(NOT e.quarantined OR h.state = 'confirmed')"


def rank(of: str, begins: tuple[float, ...]) -> str:
    """As an SQL expression."""
    whens = " ".join(f"WHEN {of} >= {begin} THEN {n}" for n, begin in reversed(list(enumerate(begins, 1))))
    return f"CASE {whens} ELSE 0 END"


class Insight(SQLModel, table=True):
    """A statement, once per workspace, language and question: equal `exact_key`s are one (core.statements.keys).

    `head_id`: the insight that it was merged into, which is merged into none. `support`, `documents`,
    `documents_with_evidence`, `open_conflicts` and `confidence` are counted in core.insight_base.counts; a head's
    include what was merged into it. `shown`: an edit; what is matched is always `statement`. `version` counts what
    people changed. `quarantined`: nothing supports it but passages that give instructions to a model, and nobody has
    confirmed it. `exact_key` is NULL until core.insight_base.renewal has given an insight of an older release one.
    """

    __tablename__: ClassVar[str] = "insight"
    # Counts are not indexed, so that a change of them stays on its page; a repeated sighting changes nothing here.
    # Lists are ordered by coarse ranks of them, which seldom change.
    __table_args__ = (
        Index("ix_insight_workspace", "workspace_id", "id"),
        Index("ix_insight_state", "workspace_id", "state", "id", postgresql_where=text("head_id IS NULL")),
        Index("ix_insight_language", "workspace_id", "language", "id"),
        Index("ix_insight_support", "workspace_id", "support_rank", "id", postgresql_where=text("head_id IS NULL")),
        Index(
            *("ix_insight_confidence", "workspace_id", "confidence_rank", "id"),
            postgresql_where=text("head_id IS NULL"),
        ),
        Index("ix_insight_first_seen", "workspace_id", "first_seen"),
        Index("ix_insight_pinned", "workspace_id", "id", postgresql_where=text("pinned")),
        Index("ix_insight_quarantined", "workspace_id", "id", postgresql_where=text("quarantined")),
        Index("ix_insight_conflict", "workspace_id", "id", postgresql_where=text("open_conflicts > 0")),
        Index("ix_insight_masked_key", "masked_key"),
        Index("ix_insight_head", "head_id", postgresql_where=text("head_id IS NOT NULL")),
        Index("ix_insight_without_key", "id", postgresql_where=text("exact_key IS NULL")),
        Index("ix_insight_not_compared", "id", postgresql_where=text("NOT compared AND head_id IS NULL")),
        {"postgresql_with": {"fillfactor": 80}},
    )
    id: str = Field(primary_key=True)
    workspace_id: str
    statement: str
    shown: str | None = None
    exact_key: str | None = Field(default=None, unique=True)
    masked_key: str | None = None
    language: str | None = None
    question: str | None = None
    kind: str
    state: str = Field(default="new", sa_column_kwargs={"server_default": text("'new'")})
    reason: str | None = None
    tags: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'"))
    )
    pinned: bool = columns.flag(False)
    quarantined: bool = columns.flag(False)
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    head_id: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("insight.id"), nullable=True))
    compared: bool = columns.flag(False)
    support: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    documents: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    documents_with_evidence: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    open_conflicts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    confidence: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    first_seen: datetime = columns.time(default_now=True)
    support_rank: int = Field(
        default=None, sa_column=Column(SmallInteger, Computed(rank("support", SUPPORT_RANKS), persisted=True))
    )
    confidence_rank: int = Field(
        default=None, sa_column=Column(SmallInteger, Computed(rank("confidence", CONFIDENCE_RANKS), persisted=True))
    )


class StatementSearch(SQLModel, table=True):
    """The words that a statement, and how it is shown, are found by (core.search), apart from the insight: no change of
    its counts comes near their index. `words` is NULL until core.insight_base.renewal has made it, for an insight of an
    older release."""

    __tablename__: ClassVar[str] = "statement_search"
    __table_args__ = (
        # What is pending is read by every search from end to end: little of it.
        Index(
            *("ix_statement_search_words", "words"),
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": "1024"},
        ),
        Index("ix_statement_search_without", "insight_id", postgresql_where=text("words IS NULL")),
    )
    insight_id: str = Field(primary_key=True)
    workspace_id: str
    words: str | None = Field(default=None, sa_column=Column(TSVECTOR, nullable=True))
    listed: bool = columns.flag(True)


class Listing(SQLModel, table=True):
    """What an insight that is listed stands under, in the order of lists. `key`: see core.insight_base.listings.

    A head stands under all that what was merged into it has evidence of, and what was merged under nothing.
    """

    __tablename__: ClassVar[str] = "listing"
    __table_args__ = (Index("ix_listing_insight", "insight_id"),)
    workspace_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    insight_id: str = Field(primary_key=True)


class RecountDue(SQLModel, table=True):
    """An insight with so many documents that ingest leaves its counts to a task, which counts it at `due_at`."""

    __tablename__: ClassVar[str] = "recount_due"
    insight_id: str = Field(primary_key=True)
    due_at: datetime = columns.time(index=True)


class FormerCount(SQLModel, table=True):
    """What an insight was counted as before a recount changed it; see core.insight_base.former_counts. `transaction`:
    the number of the recount's. No foreign key: it would lock the insight."""

    __tablename__: ClassVar[str] = "former_count"
    __table_args__ = (
        Index("ix_former_count_transaction", "workspace_id", "transaction"),
        Index("ix_former_count_changed", "changed_at"),
    )
    id: int = columns.identity()
    workspace_id: str
    insight_id: str
    support: int
    confidence: float
    transaction: int = Field(
        sa_column=Column(BigInteger, nullable=False, server_default=text("pg_current_xact_id()::text::bigint"))
    )
    changed_at: datetime = columns.time(default_now=True)


class SavedView(SQLModel, table=True):
    """A search that somebody gave a name. `query`: what of core.insights.report.Filters is given, and `sort`. What came
    after `looked_at` is new."""

    __tablename__: ClassVar[str] = "saved_view"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)
    id: str = Field(primary_key=True)
    workspace_id: str
    name: str
    query: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    actor: str
    looked_at: datetime = columns.time(default_now=True)
    created_at: datetime = columns.time(default_now=True)


class Evidence(SQLModel, table=True):
    """A quote that ties an insight to a document, once however often it is found. `supported` only when it stands
    there, at start..end.

    `verdict`: see core.evidence.quotes; None until it has been checked. `spans`: where it stands in several parts.
    `nearest_*`: the place of a quote whose words differ from it. `response_id`: the first response that brought it; the
    others are its sightings. `quarantined`: its place lies in a passage that gives instructions to a model; it counts
    (COUNTS) once the insight is confirmed.
    """

    __tablename__: ClassVar[str] = "evidence"
    __table_args__ = (
        UniqueConstraint("insight_id", "document_id", "quote_key"),
        # With the place: of a long document only what stands near a quote is looked at.
        Index("ix_evidence_document", "document_id", "start"),
        Index("ix_evidence_response", "response_id"),
        Index("ix_evidence_quote", "quote_key"),
        Index("ix_evidence_created", "created_at"),
        Index("ix_evidence_newest", "insight_id", "created_at"),
        Index("ix_evidence_unchecked", "document_id", postgresql_where=text("verdict IS NULL")),
    )
    id: int = columns.identity()
    insight_id: str = Field(sa_column=Column(Text, ForeignKey("insight.id", ondelete="CASCADE"), nullable=False))
    document_id: str
    response_id: int = columns.big()
    template_id: str
    quote: str
    quote_key: str
    verdict: str | None = None
    supported: bool
    quarantined: bool = columns.flag(False)
    start: int | None = None
    end: int | None = None
    spans: list[list[int]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    nearest_start: int | None = None
    nearest_end: int | None = None
    attributes: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    created_at: datetime = columns.time(default_now=True)


class Sighting(SQLModel, table=True):
    """A further response that brought evidence which was there already: a narrow row instead of a change of a wide one.

    No foreign keys: they would lock the evidence. Whoever deletes evidence deletes them (core.documents.deletion).
    """

    __tablename__: ClassVar[str] = "sighting"
    __table_args__ = (Index("ix_sighting_response", "response_id"), Index("ix_sighting_seen", "seen_at"))
    evidence_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    response_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    seen_at: datetime = columns.time(default_now=True)


class TextGroup(SQLModel, table=True):
    """The first of the documents whose texts are nearly the same, by which others are found: its MinHash bands."""

    __tablename__: ClassVar[str] = "text_group"
    __table_args__ = (Index("ix_text_group_bands", "bands", postgresql_using="gin"),)
    id: str = Field(primary_key=True)  # the first document's
    workspace_id: str
    bands: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))


class Decision(SQLModel, table=True):
    """What a person made of a statement; it outlives the statement. `hash`: of the salt and the statement's exact key,
    which is of `key_version`. No text."""

    __tablename__: ClassVar[str] = "decision"
    hash: str = Field(primary_key=True)
    workspace_id: str
    key_version: int
    state: str
    decided_at: datetime = columns.time(default_now=True)


class Installation(SQLModel, table=True):
    """One row: what this installation made up for itself once."""

    __tablename__: ClassVar[str] = "installation"
    __table_args__ = (CheckConstraint("id", name="one_row"),)
    id: bool = Field(default=True, primary_key=True)
    decision_salt: str


_OPEN = "state = 'open' AND later_at IS NULL"
_LATER = "state = 'open' AND later_at IS NOT NULL"
_ALIKE = "state = 'open' AND alike IS NOT NULL"


class Pair(SQLModel, table=True):
    """Two insights proposed to be compared: `first` is the smaller id. Settled once, with a verdict, and never again
    unless that is taken back.

    `kind`: what they seem to be to one another, or were settled as; `proposed_as`: what they seemed before that.
    `verdict`: more, less: what `first` says.
    `support`: of both, when they were proposed: which of many are looked at first. `alike`: equal where the same words
    differ; None where too many do. `later_at`: when somebody left it for later. `merge_id`: the merge that the verdict
    made. `judged_in`: the job whose model settled it, with the `grounds`: the words of each side that decide.
    """

    __tablename__: ClassVar[str] = "pair"
    __table_args__ = (
        CheckConstraint("first < second", name="in_order"),
        UniqueConstraint("first", "second"),
        Index("ix_pair_second", "second"),
        Index("ix_pair_open", "workspace_id", "kind", "support", "id", postgresql_where=text(_OPEN)),
        Index("ix_pair_later", "workspace_id", "kind", "later_at", postgresql_where=text(_LATER)),
        Index("ix_pair_alike", "workspace_id", "alike", postgresql_where=text(_ALIKE)),
        Index("ix_pair_judged", "judged_in", postgresql_where=text("judged_in IS NOT NULL")),
        Index("ix_pair_merge", "merge_id", postgresql_where=text("merge_id IS NOT NULL")),
        Index("ix_pair_settled", "workspace_id", "kind", "settled_at", postgresql_where=text("state = 'settled'")),
    )
    id: str = Field(primary_key=True)
    workspace_id: str
    first: str = Field(sa_column=Column(Text, ForeignKey("insight.id", ondelete="CASCADE"), nullable=False))
    second: str = Field(sa_column=Column(Text, ForeignKey("insight.id", ondelete="CASCADE"), nullable=False))
    kind: str
    found_by: str
    score: float
    support: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    alike: str | None = None
    state: str = Field(default="open", sa_column_kwargs={"server_default": text("'open'")})
    verdict: str | None = None
    merge_id: str | None = None
    proposed_as: str | None = None
    judged_in: str | None = None
    grounds: list[str] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    later_at: datetime | None = columns.time(nullable=True)
    actor: str | None = None
    settled_at: datetime | None = columns.time(nullable=True)
    created_at: datetime = columns.time(default_now=True)


class Merge(SQLModel, table=True):
    """One merge of insights into another, which `undone_at` ends."""

    __tablename__: ClassVar[str] = "merge"
    __table_args__ = (Index("ix_merge_workspace", "workspace_id", "id"),)
    id: str = Field(primary_key=True)
    workspace_id: str
    into_id: str
    found_by: str
    actor: str
    merged_at: datetime = columns.time(default_now=True)
    undone_at: datetime | None = columns.time(nullable=True)


class Merged(SQLModel, table=True):
    """One insight of a merge. The active rows are a forest: each insight goes into at most one other, and its head is
    the root of its tree."""

    __tablename__: ClassVar[str] = "merged"
    __table_args__ = (
        Index("ux_merged_active", "insight_id", unique=True, postgresql_where=text("active")),
        Index("ix_merged_into", "into_id", postgresql_where=text("active")),
        Index("ix_merged_insight", "insight_id"),
    )
    merge_id: str = Field(
        sa_column=Column(Text, ForeignKey("merge.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    insight_id: str = Field(
        sa_column=Column(Text, ForeignKey("insight.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    into_id: str
    active: bool = columns.flag(True)


class InsightChange(SQLModel, table=True):
    """Who changed what of an insight, when: one row per insight, all those of one change under one `change_id`.

    `before`, `after`: the fields that changed. `version`: the insight's after it; undoing leaves those that
    changed since.
    """

    __tablename__: ClassVar[str] = "insight_change"
    __table_args__ = (
        Index("ix_insight_change_insight", "insight_id", "id"),
        Index("ix_insight_change_change", "change_id"),
    )
    id: int = columns.identity()
    change_id: str
    workspace_id: str
    insight_id: str = Field(sa_column=Column(Text, ForeignKey("insight.id", ondelete="CASCADE"), nullable=False))
    actor: str
    action: str
    before: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    after: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    version: int
    changed_at: datetime = columns.time(default_now=True)
    undone_at: datetime | None = columns.time(nullable=True)


class StatementTraces(SQLModel, table=True):
    """By what a statement can be found (core.statements.resemblance). Made when it is compared, apart from the insight:
    ingest neither writes nor locks it."""

    __tablename__: ClassVar[str] = "statement_traces"
    __table_args__ = (
        Index("ix_statement_traces", "traces", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )
    insight_id: str = Field(sa_column=Column(Text, ForeignKey("insight.id", ondelete="CASCADE"), primary_key=True))
    workspace_id: str
    traces: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))


class StatementWord(SQLModel, table=True):
    """In how many statements of a workspace a trace stands: the rare ones find what a statement resembles. The empty
    one stands in all."""

    __tablename__: ClassVar[str] = "statement_word"
    __table_args__ = {"postgresql_with": {"fillfactor": 70}}
    workspace_id: str = Field(primary_key=True)
    word: str = Field(primary_key=True)
    statements: int = columns.big()
