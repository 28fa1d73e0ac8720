"""Read-only: the insights that one is compared with: in conflict with it, true at another time, or like it."""

from dataclasses import dataclass

from core.insight_base import tree
from core.runtime import db
from core.tables.insights import FoundBy, PairKind, Verdict

MOST = 50


@dataclass(frozen=True)
class Relation:
    """The pair that ties an insight to `other`, which is a head. `verdict`: None while the pair is open. `own`,
    `theirs`: the insights of the very wordings, which may have been merged into the two."""

    pair: str
    kind: PairKind
    found_by: FoundBy
    verdict: Verdict | None
    other: str
    other_dismissed: bool
    own: str
    theirs: str

    @property
    def is_conflict(self) -> bool:
        return self.kind == "conflict" and self.verdict in (None, "conflict")

    @property
    def is_over_time(self) -> bool:
        return self.kind == "over_time" and self.verdict in (None, "over_time")

    @property
    def resembles_dismissed(self) -> bool:
        """Perhaps the same as what a person dismissed; nobody has said yet that it is not."""
        return self.kind == "merge" and self.verdict is None and self.other_dismissed


def of_insight(insight_id: str) -> list[Relation]:
    """Of a head and what was merged into it: one for each other head, conflicts first."""
    with db.reading() as session:
        return [Relation(**row._mapping) for row in db.rows(session, OF_INSIGHT, ids=[insight_id], most=MOST)]


OF_INSIGHT = f"""
WITH member AS MATERIALIZED ({tree.OUR_MEMBERS}), paired AS (
  SELECT p.*, p.first AS own, p.second AS theirs FROM pair p JOIN member m ON m.member = p.first
  UNION ALL SELECT p.*, p.second, p.first FROM pair p JOIN member m ON m.member = p.second
), told AS (
  SELECT DISTINCT ON (h.id) p.id AS pair, p.kind, p.found_by, p.verdict, p.score, p.own, p.theirs, h.id AS other,
    h.state = 'dismissed' AS other_dismissed
  FROM paired p JOIN insight i ON i.id = p.theirs
  JOIN insight h ON h.id = CASE WHEN i.head_id IS NULL THEN i.id ELSE i.head_id END
  WHERE h.id NOT IN (SELECT member FROM member)
  ORDER BY h.id, array_position(ARRAY['conflict', 'over_time', 'merge'], p.kind), p.state, p.id
)
SELECT pair, kind, found_by, verdict, other, other_dismissed, own, theirs FROM told
ORDER BY array_position(ARRAY['conflict', 'over_time', 'merge'], kind), score DESC, other LIMIT :most
"""
