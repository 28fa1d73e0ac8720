"""What a judge was asked: pairs, by the request that they stand in."""

from typing import ClassVar, Literal

from sqlalchemy import BigInteger, Column, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

# `settled`: its verdict was carried out. `undecided`: it has none. `unfounded`: the words that it names do not stand
# there. `refused`: what differs, or what a person decided, forbids to merge. `late`: the pair is not as it was asked.
Outcome = Literal["settled", "undecided", "unfounded", "refused", "late"]


class JudgedPair(SQLModel, table=True):
    """The pair of that number in a request. `a`, `b`: the heads whose statements were asked. `fingerprint`: of all that
    decides what a model says of this pair alone, by which a request that asked it before is found.

    `outcome` is None until the answer is read. `verdict`, `grounds`: what the model said, of `a`. Where a statement is
    deleted, `grounds` and `fingerprint` go with it.
    """

    __tablename__: ClassVar[str] = "judged_pair"
    __table_args__ = (
        Index("ix_judged_pair_pair", "pair_id"),
        Index("ix_judged_pair_fingerprint", "fingerprint"),
        # By which what was asked of deleted statements is forgotten.
        Index("ix_judged_pair_a", "a"),
        Index("ix_judged_pair_b", "b"),
        Index("ix_judged_pair_unread", "request_id", postgresql_where=text("outcome IS NULL")),
    )
    request_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    number: int = Field(primary_key=True)
    workspace_id: str
    pair_id: str
    a: str
    b: str
    fingerprint: str
    outcome: str | None = None
    verdict: str | None = None
    grounds: list[str] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
