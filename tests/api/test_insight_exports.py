"""Insights that leave over HTTP: exactly those of the list, with their quotes, in each format, and nothing computes."""

import csv
import io
import re
from typing import Any

import orjson
import pytest
from pyarrow import parquet
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from core.exports.columns import FORMATS
from core.insight_base import writing
from core.insight_base.writing import Finding, Source
from core.insights import export, export_report, life, merging
from core.insights.export_report import Wanted
from core.insights.life import Change
from core.runtime import db, shared_clock, workspace
from tests.pages import made
from tests.pipeline import change, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")
AT = "/api/v1/insights"
QUOTE = "It works again."
EVIL = '=HYPERLINK("http://evil.example") | [x](http://evil.example) <img src=x>'


def say(document: str, statement: str, quote: str = QUOTE) -> str:
    with db.transaction() as session:
        writing.write(session, [(Source(document, 1, "key_points"), Finding(statement, (quote,), {}))])
    return str(rows("SELECT id FROM insight WHERE statement = :said", said=statement)[0]["id"])


@pytest.fixture
def said() -> dict[str, str]:
    """Five insights: one of two documents, one merged into it, one with a quote of its own and one that is not there,
    one without any support, and one dismissed. Of two collections, and of documents with hostile names."""
    first, second = ready_documents(2)
    change("INSERT INTO collection (id, workspace_id, name) VALUES ('col_2', 'ws_default', 'other')")
    change("UPDATE document SET name = :name, collection_id = 'col_2', pages = 2 WHERE id = :id", name=EVIL, id=second)
    change("UPDATE document_text SET page_starts = '{0, 9}' WHERE document_id = :id", id=second)
    ids = {"both": say(first, "Pumps failed."), "merged": say(second, "A pump broke."), "half": say(first, EVIL)}
    say(second, "Pumps failed.", "was replaced. It works again.")
    say(second, EVIL, "This stands nowhere in it.")
    ids |= {"none": say(first, "Nobody said so.", "No such words are here."), "gone": say(first, "Old news.")}
    merging.merge(ids["both"], [ids["merged"]], force=True)
    life.change(ids["both"], Change(shown="Pumps failed twice.", tags=["pump", "=1"]))
    life.change(ids["gone"], Change(state="dismissed", reason="old"))
    return ids


def get(client: TestClient, format_: str, query: str = "", status: int = 200) -> bytes:
    answer = client.get(f"{AT}/export?format={format_}{query}")
    assert answer.status_code == status, answer.text
    return answer.content


def of_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def walk(client: TestClient, query: str) -> list[str]:
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        page = client.get(f"{AT}?limit=2&{query}" + (f"&cursor={cursor}" if cursor else "")).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    return found


def ids_of(found: list[Any]) -> list[str]:
    return list(dict.fromkeys(row["id"] for row in found))


@pytest.mark.parametrize(
    "query",
    ["", "state=dismissed", "q=pumps", "collection=other", "evidence=unsupported", "evidence=supported", "tag=pump"],
)
def test_an_export_has_exactly_the_insights_of_the_list(client: TestClient, said: dict[str, str], query: str) -> None:
    listed = walk(client, query)
    assert listed
    for format_, read in (("csv", of_csv), ("json", orjson.loads)):
        assert ids_of(read(get(client, format_, f"&unsupported=true&{query}"))) == listed
    if "evidence" not in query:
        supported = walk(client, f"{query}&evidence=supported")
        assert ids_of(of_csv(get(client, "csv", f"&{query}"))) == supported


def test_each_quote_is_a_row_and_what_is_not_supported_is_there_on_demand_and_marked(
    client: TestClient, said: dict[str, str]
) -> None:
    found = of_csv(get(client, "csv"))
    assert {row["supported"] for row in found} == {"true"}
    assert said["none"] not in ids_of(found)
    (merged, own, other) = sorted(
        (r for r in found if r["id"] == said["both"]), key=lambda r: (r["wording"] == "", r["document"])
    )
    assert (merged["wording"], merged["page"], merged["collection"]) == ("A pump broke.", "2", "other")
    assert {row["statement"] for row in (merged, own, other)} == {"Pumps failed twice."}
    assert (own["original"], own["tags"], own["support"], own["quote"]) == ("Pumps failed.", "'=1; pump", "2", QUOTE)
    assert (own["state"], own["verdict"], own["page"], own["link"]) == (
        "new",
        "found",
        "",
        f"/insight?id={said['both']}",
    )
    every = of_csv(get(client, "csv", "&unsupported=true"))
    marked = [row for row in every if row["supported"] == "false"]
    assert {(row["id"], row["verdict"]) for row in marked} == {(said["half"], "absent"), (said["none"], "absent")}
    assert len(every) == len(found) + 2
    # No quote of another collection, and an insight without one of this one that supports it is there all the same.
    here = of_csv(get(client, "csv", "&collection=other"))
    assert {(row["id"], row["collection"]) for row in here} == {(said["both"], "other"), (said["half"], "")}


def test_every_format_has_its_type_and_name_and_no_cell_computes(client: TestClient, said: dict[str, str]) -> None:
    day = f"{shared_clock.now():%Y-%m-%d}"
    for format_, known in FORMATS.items():
        answer = client.get(f"{AT}/export?format={format_}")
        assert answer.headers["content-type"] == known.media_type
        assert answer.headers["content-disposition"] == f"attachment; filename=insights-{day}.{format_}"
    cells = [cell for row in csv.reader(io.StringIO(get(client, "csv").decode(), newline="")) for cell in row]
    book = CalamineWorkbook.from_filelike(io.BytesIO(get(client, "xlsx")))
    sheet = book.get_sheet_by_name("Insights").to_python()
    cells += [cell for row in sheet for cell in row if isinstance(cell, str)]
    assert not [cell for cell in cells if re.match(r"[=+\-@\t\r]", cell)]
    assert cells.count(f"'{EVIL}") == 6
    assert {type(row[6]) for row in sheet[1:]} == {float}
    table = parquet.read_table(io.BytesIO(get(client, "parquet"))).to_pylist()
    assert [row["id"] for row in table] == [row["id"] for row in of_csv(get(client, "csv"))]
    assert next(row for row in table if row["id"] == said["half"])["statement"] == EVIL


def test_json_has_the_quotes_in_their_insight(client: TestClient, said: dict[str, str]) -> None:
    found = {one["id"]: one for one in orjson.loads(get(client, "json", "&unsupported=true"))}
    api = client.get(f"{AT}/{said['both']}").json()
    both = found[said["both"]]
    for name in ("state", "tags", "pinned", "support", "documents", "confidence", "question", "language"):
        assert both[name] == api[name]
    names = ("id", "document", "quote", "verdict", "supported", "start", "end", "job")
    ours, theirs = ([{name: one[name] for name in names} for one in each["evidence"]] for each in (both, api))
    assert ours == theirs
    assert found[said["gone"]]["reason"] == "old"


def test_the_report_is_read_by_people_and_nothing_in_it_is_active(client: TestClient, said: dict[str, str]) -> None:
    made.pair(said["both"], said["half"])
    report = get(client, "md", "&unsupported=true&state=new").decode()
    assert "Those that are: state new." in report
    known = (
        "Supported by 2 independent documents · confidence 38% · new · **in conflict with 1 other insight** · tags: "
    )
    assert f". Pumps failed twice.\n\n{known}=1, pump" in report
    assert "“It works again.” — doc\\_0000\n" in report
    assert ", page 2 (for: A pump broke.)" in report
    assert "- **Not supported: not found in the document.** “No such words are here.” — doc\\_0000" in report
    assert report.endswith("3 insights in all.\n")
    assert not re.search(r"(?<!\\)[\[<|]|\]\(|https?://", report)
    nothing = get(client, "md", "&q=nothing&min_support=2").decode()
    assert "Those that are: found by “nothing”; at least 2 documents; supported by a quote." in nothing
    assert nothing.endswith("0 insights in all.\n")


def test_a_selection_is_exported_alone(client: TestClient, said: dict[str, str]) -> None:
    query = f"&id={said['both']}&id={said['none']}&id={said['merged']}"
    assert ids_of(of_csv(get(client, "csv", query))) == [said["both"]]
    assert set(ids_of(of_csv(get(client, "csv", f"{query}&unsupported=true")))) == {said["both"], said["none"]}


def test_it_is_recorded_and_asking_wrongly_is_refused(client: TestClient, said: dict[str, str]) -> None:
    get(client, "json", "&q=pumps")
    (entry,) = rows("SELECT door, after FROM audit_entry WHERE action = 'export'")
    assert entry == {
        "door": "api",
        "after": {"format": "json", "unsupported": False, "q": "pumps", "supported": True},
    }
    assert b"unsupported=true" in get(client, "csv", "&evidence=unsupported", 422)
    for wrong in ("pdf", "csv&nonsense=1", "csv&min_support=x"):
        get(client, wrong, status=422)


class Meanwhile(io.BytesIO):
    """When the first insight is written, others get a quote or change, and a new one is there."""

    def __init__(self, half: str):
        super().__init__()
        self.half = half

    def write(self, data: Any) -> int:
        if not self.tell():
            with db.transaction() as session:
                for statement in ("Pumps failed.", "Something new."):
                    found = Finding(statement, ("It works again",), {})
                    writing.write(session, [(Source("doc_0001", 2, "qa"), found)])
            life.change(self.half, Change(state="dismissed"))
        return super().write(data)


def test_an_export_sees_the_base_at_one_moment_and_its_own_workspace(
    said: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_report, "BLOCK", 1)
    wanted, file = Wanted(unsupported=True), Meanwhile(said["half"])
    export.export(file, "json", wanted, shared_clock.now())
    found = {one["id"]: (len(one["evidence"]), one["state"]) for one in orjson.loads(file.getvalue())}
    assert found == {
        said["gone"]: (1, "dismissed"),
        said["none"]: (1, "new"),
        said["half"]: (2, "new"),
        said["both"]: (3, "new"),
    }
    with workspace.bound("ws_other"):
        other = io.BytesIO()
        export.export(other, "csv", Wanted(ids=[said["both"]], unsupported=True), shared_clock.now())
    assert other.getvalue().count(b"\r\n") == 1


def test_more_than_a_block_come_in_order(said: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_report, "BLOCK", 2)
    file = io.BytesIO()
    export.export(file, "json", Wanted(unsupported=True), shared_clock.now())
    found = {one["id"]: len(one["evidence"]) for one in orjson.loads(file.getvalue())}
    assert found == {said["gone"]: 1, said["none"]: 1, said["half"]: 2, said["both"]: 3}
    assert list(found) == sorted(found, reverse=True)
