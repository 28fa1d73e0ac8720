"""Insights are found in every language, listed in an order that stays, and only where they belong."""

from typing import Any

import pytest

from core.errors import InvalidInput
from core.insight_base import counts, renewal, writing
from core.insight_base.writing import Finding, Source
from core.insights import facets_report, life, merging, order_report, report
from core.insights.facets_report import Value
from core.insights.life import Change
from core.insights.report import Filters, Sort
from core.runtime import db, workspace
from tests.core.insights.world import id_of
from tests.pipeline import change, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")

# A statement, its language, and what it is found by: in each language what another writes otherwise.
SAID = (
    ("売上が四割増えた。", "ja", "売上", "四割", "増"),
    ("iPhoneの出荷が遅れた。", "ja", "iphone", "出荷", "iPhoneの出荷"),
    ("供应商延迟交货三天。", "zh", "供应商", "延迟", '"交货三天"'),
    ("공급업체가 납품을 늦게 했다.", "ko", "공급업체", "납품"),
    ("ผู้จัดหาส่งของล่าช้า", "th", "ส่งของ", "ล่าช้า"),
    ("Die Lieferverzögerungen dauern an.", "de", "Lieferverzögerung", "lieferverzoegerungen", "Lieferverzogerung"),
    ("Müller zahlt die Gebühren in der Hauptstraße.", "de", "Mueller", "muller", "gebuehr", "hauptstrasse"),
    ("Les usines fermées ont été rouvertes à l'automne.", "fr", "usine", "fermee", "fermé", "automne", "rouverte"),
    ("La producción de años anteriores bajó.", "es", "produccion", "años", "anos", "bajo"),
    ("Leveransåren blev längre än väntat.", "sv", "langre", "vantat", "laengre"),
    ("Łódź podniosła ceny energii.", "pl", "lodz", "łódź"),
    ("Поставки задержались ещё дольше.", "ru", "поставка", "еще"),
    ("The cost is 1,234.50 EUR.", "en", "1234.50", "1.234,50", '"1234.5 eur"'),
    ("The Who were on stage.", "en", "the who", '"the who"'),
    ("Whole villages moved.", None, "villages", "village"),
)  # fmt: skip


def say(*found: tuple[str, str | None], document: str = "doc_0000", response: int = 1) -> None:
    with db.transaction(everywhere=True) as session:
        writing.write(
            session,
            [
                (Source(document, response, "key_points", language), Finding(one, ("It works again.",), {}))
                for one, language in found
            ],
        )


def found(q: str) -> list[str]:
    return [row.statement for row in report.find(Filters(q=q)).items]


def test_each_statement_is_found_in_its_language_and_others_writing() -> None:
    ready_documents(1)
    say(*((statement, language) for statement, language, *_ in SAID))
    missed = [(q, statement) for statement, _, *queries in SAID for q in queries if statement not in found(q)]
    assert not missed
    # Words of two scripts, a phrase that nobody wrote, and what is left out in whatever language.
    assert found("iPhone 遅れ") == [SAID[1][0]]
    assert found('"stage the"') == found("上売") == found("...") == []
    assert set(found("-die -the -売上")) == {one[0] for one in SAID} - {SAID[n][0] for n in (0, 5, 6, 12, 13)}
    assert len(found("stage or Lieferverzögerung or 납품")) == 3
    assert report.search().languages == tuple(sorted({one[1] for one in SAID if one[1]}))
    assert report.search().note is None


def test_an_edit_is_found_by_its_words_and_what_an_older_release_left_is_made_ready() -> None:
    ready_documents(1)
    say(("Pumps failed.", "en"))
    insight = id_of("Pumps failed.")
    life.change(insight, Change(shown="Valves leaked."))
    assert found("valve") == found("pump") == ["Pumps failed."]
    assert found('"failed valves"') == []
    life.change(insight, Change(shown=None))
    assert found("valve") == []
    change("UPDATE statement_search SET words = NULL")
    change("INSERT INTO statement_search (insight_id, workspace_id) VALUES ('ins_gone', 'ws_default')")
    assert (found("pump"), report.search().note is None) == ([], False)
    while renewal.renew():
        pass
    assert (found("pump"), report.search().note) == (["Pumps failed."], None)
    assert len(rows("SELECT 1 FROM statement_search")) == 1


@pytest.mark.parametrize("most", [2, 10_000])
@pytest.mark.parametrize("sort", ["newest", "support", "confidence", "relevance"])
@pytest.mark.parametrize("q", [None, "pump"])
def test_every_list_is_walked_from_its_first_to_its_last(
    monkeypatch: pytest.MonkeyPatch, sort: Sort, most: int, q: str | None
) -> None:
    """However many match: gathered, or in the order of an index."""
    if sort == "relevance" and not q:
        return
    documents = ready_documents(12)
    for n, document in enumerate(documents):
        say(*((f"Pump {k} failed.", "en") for k in range(12 - n)), document=document)
    monkeypatch.setattr(order_report, "MOST_COUNTED", most)
    key = {"newest": "workspace_id", "relevance": "workspace_id", "support": "support", "confidence": "confidence"}[
        sort
    ]
    expected = [row["id"] for row in rows(f"SELECT id FROM insight ORDER BY {key} DESC, id DESC")]
    for limit in (1, 5):
        seen: list[str] = []
        cursor = None
        while True:
            page = report.find(Filters(q=q), sort=sort, limit=limit, cursor=cursor)
            seen += [row.id for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == expected
    counted = report.find_and_count(Filters(q=q), sort=sort, limit=1).total
    assert (counted.count, counted.capped) == (min(most, 12), most == 2)
    assert (
        report.find_and_count(Filters(q=q), sort=sort, limit=1, cursor=cursor).total
        == counted
        == report.count(Filters(q=q))
    )


@pytest.mark.parametrize("most", [2, 10_000])
@pytest.mark.parametrize("filters", [Filters(), Filters(collection="default"), Filters(q="pump")])
def test_a_walk_neither_repeats_nor_skips_while_a_job_runs(
    monkeypatch: pytest.MonkeyPatch, most: int, filters: Filters
) -> None:
    documents = ready_documents(4)
    say(*((f"Pump {n} failed.", "en") for n in range(20)))
    there = [row.id for row in report.find(filters).items]
    monkeypatch.setattr(order_report, "MOST_COUNTED", most)
    seen: list[str] = []
    cursor = None
    for response in range(2, 12):
        page = report.find(filters, limit=3, cursor=cursor)
        seen += [row.id for row in page.items]
        cursor = page.next_cursor
        # Both what was there, seen again in another document, and something new.
        again = [(f"Pump {n} failed.", "en") for n in range(response % 3, 20, 2)]
        say(*again, (f"Pump {response}00 failed.", "en"), document=documents[response % 4], response=response)
        if cursor is None:
            break
    assert seen == there


@pytest.mark.parametrize("most", [2, 10_000])
@pytest.mark.parametrize(
    ("sort", "filters"),
    [("support", Filters()), ("confidence", Filters(collection="default")), ("relevance", Filters(q="pump"))],
)
def test_a_walk_by_what_changes_lists_each_once_where_it_stood_when_it_began(
    monkeypatch: pytest.MonkeyPatch, most: int, sort: Sort, filters: Filters
) -> None:
    """While some rise past where the walk is, others fall behind it, and new ones come."""
    documents = ready_documents(8)
    for n, document in enumerate(documents[:6]):
        say(*((f"Pump {k} failed.", "en") for k in range(24 - 4 * n)), document=document)
    there = [row.id for row in report.find(filters, sort=sort).items]
    monkeypatch.setattr(order_report, "MOST_COUNTED", most)
    monkeypatch.setattr(order_report, "MOST_RANKED", 24)
    seen: list[str] = []
    cursor = None
    for step in range(20):
        page = report.find(filters, sort=sort, limit=3, cursor=cursor)
        seen += [row.id for row in page.items]
        cursor = page.next_cursor
        say(*((f"Pump {23 - k} failed.", "en") for k in range(step, 24, 3)), document=documents[6 + step % 2])
        say((f"Pump {step}00 failed.", "en"), document=documents[step % 6])
        change("DELETE FROM evidence WHERE insight_id = :id AND document_id <> :one", id=seen[-3], one=documents[0])
        with db.transaction() as session:
            counts.recount(session, [seen[-3]])
        if cursor is None:
            break
    # What came meanwhile may be among them, once.
    assert [one for one in seen if one in there] == there
    assert len(seen) == len(set(seen))


def test_a_walk_that_takes_too_long_is_begun_again_and_former_counts_are_forgotten() -> None:
    one, other = ready_documents(2)
    for document in (one, other):
        say(*((f"Pump {n} failed.", "en") for n in range(3)), document=document)
    cursor = report.find(sort="support", limit=1).next_cursor or ""
    began, _, at = cursor.rpartition("@")
    with pytest.raises(InvalidInput, match="24 hours"):
        report.find(sort="support", limit=1, cursor=f"{began}@{int(at) - 90_000}")
    for wrong in (cursor.rpartition("~")[0], f"{began}@", f"{cursor.rpartition('~')[0]}~9:8:@{at}"):
        with pytest.raises(InvalidInput, match="not one of this list"):
            report.find(sort="support", limit=1, cursor=wrong)
    number = len(rows("SELECT 1 FROM former_count"))
    assert number == 3
    while renewal.renew():
        pass
    assert (rows(renewal.IS_DUE), len(rows("SELECT 1 FROM former_count"))) == ([], number)
    change("UPDATE former_count SET changed_at = now() - interval '27 hours'")
    assert len(rows(renewal.IS_DUE)) == 1
    assert (renewal.renew(), rows("SELECT 1 FROM former_count")) == (number, [])


def test_lists_keep_to_their_collection_and_their_workspace() -> None:
    one, other, foreign = ready_documents(3)
    change("INSERT INTO workspace (id, name) VALUES ('ws_2', 'second')")
    change("INSERT INTO collection (id, workspace_id, name) VALUES ('col_2', 'ws_default', 'second')")
    change("INSERT INTO collection (id, workspace_id, name) VALUES ('col_3', 'ws_2', 'default')")
    change("UPDATE document SET collection_id = 'col_2' WHERE id = :id", id=other)
    change("UPDATE document SET collection_id = 'col_3', workspace_id = 'ws_2' WHERE id = :id", id=foreign)
    say(("Ann works.", "en"), ("Ben works.", "en"), document=one)
    say(("Ben works.", "en"), ("Cid works.", "en"), document=other)
    say(("Ann works.", "de"), ("Die Pumpe.", "de"), document=foreign)

    def listed(**given: Any) -> set[str]:
        return {row.statement for row in report.find(Filters(**given)).items}

    assert listed(collection="default") == {"Ann works.", "Ben works."}
    assert listed(collection="second") == {"Ben works.", "Cid works."}
    assert listed(collection="second", q="works") == {"Ben works.", "Cid works."}
    assert listed(collection="col_2") == listed(collection="") - listed() == listed(q="Pumpe") == set()
    assert report.search().languages == ("en",)
    with workspace.bound("ws_2"):
        assert listed() == listed(collection="default") == listed(template="key_points") == {"Ann works.", "Die Pumpe."}
        assert listed(collection="second") == listed(q="Ben") == set()
        assert report.count(Filters(q="works")).count == 1
        # The rows of a page are looked up inside the wall; a count is not made of them.
        assert report.count(Filters(template="key_points")).count == 2
        assert facets_report.facets(Filters(template="key_points")).states == (Value("new", 2),)
        assert report.search().languages == ("de",)
    # A head stands where what was merged into it does, and again by itself once that is undone.
    ann, cid = id_of("Ben works."), id_of("Cid works.")
    merging.merge(cid, [ann], force=True)
    assert listed(collection="default") == {"Ann works.", "Cid works."}
    merging.unmerge(insight_id=ann)
    assert listed(collection="default") == {"Ann works.", "Ben works."}
    assert listed(collection="second") == {"Ben works.", "Cid works."}


def test_an_insight_with_very_many_documents_is_counted_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MANY_DOCUMENTS", 2)
    documents = ready_documents(5)
    for document in documents[:4]:
        say(("Ann works.", "en"), document=document)
    support = "SELECT support FROM insight"
    assert rows(support) == [{"support": 2}]
    while renewal.renew():  # the groups of their texts
        pass
    change("UPDATE insight SET support = 2")
    change("UPDATE recount_due SET due_at = now() - interval '1 second'")
    assert (renewal.renew(), renewal.renew(), rows(support)) == (1, 0, [{"support": 4}])
    say(("Ann works.", "en"), document=documents[4])
    (due,) = rows("SELECT due_at > now() + interval '59 minutes' AS later FROM recount_due")
    assert due["later"]
