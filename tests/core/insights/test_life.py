"""What people make of insights: one, many, and undone."""

import pytest

from core.insight_base import writing
from core.insight_base.writing import Finding, Source
from core.insights import life, merging, report
from core.insights.life import Change, Set
from core.insights.report import Filters
from core.runtime import db
from tests.pipeline import ready_documents

pytestmark = pytest.mark.usefixtures("database")


def test_what_people_make_of_insights_is_done_and_undone() -> None:
    (doc,) = ready_documents(1)
    with db.transaction() as s:
        found = [Finding(f"Pump {n} works.", ("It works again.",), {}) for n in range(5)]
        writing.write(s, [(Source(doc, 1, "key_points"), one) for one in found])
    ids = [r.id for r in report.find().items]
    one = life.change(ids[0], Change(state="dismissed", reason=" no ", tags=["b", "A", "a"], shown="Hi", pinned=True))
    assert (one.state, one.reason, one.tags, one.version, one.confidence) == ("dismissed", "no", ["A", "b"], 2, 0)
    done = life.bulk(Filters(state="new"), Set(state="confirmed", add_tags=["x"]))
    assert done.changed == 4
    assert {r.confidence for r in report.find(Filters(state="confirmed")).items} == {0.95}
    assert done.change is not None
    assert life.undo(done.change) == life.Undone(4, 0)
    assert life.undo(done.change) == life.Undone(0, 0)
    m = merging.merge(ids[1], ids[2:4], force=True)
    assert merging.unmerge(merge_id=m.id).restored == tuple(sorted(ids[2:4]))
