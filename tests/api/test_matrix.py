"""The matrix over HTTP: values with quotes and verdicts, narrowed, ordered, paged and as a file."""

import csv
import io
from typing import Any

import orjson
import pytest
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from core.asking import templates
from core.fields import FieldSpec
from core.insight_base import field_quotes
from core.insight_base.field_quotes import Quoted
from core.insights import matrix
from core.insights.matrix import Wanted
from core.runtime import db, workspace
from tests.pages import made
from tests.pipeline import change, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")
FIELDS = (
    FieldSpec("party", "string", quote=True),
    FieldSpec("fee", "number"),
    FieldSpec("law", "choice", "", ("DE", "FR")),
    FieldSpec("binding", "boolean"),
    FieldSpec("topics", "list"),
    FieldSpec("document", "string", required=False),
)
ANSWERS: tuple[dict[str, Any], ...] = (
    {"party": "Acme", "fee": 1000, "law": "DE", "binding": True, "topics": ["Pumps", "late"], "document": None},
    {"party": "=Zeta()", "fee": 99.5, "law": "FR", "binding": False, "topics": [], "document": "x"},
    {"party": "beta", "fee": None, "law": "DE", "binding": True, "topics": ["trains"], "document": ""},
)


def answer(job: str, document: str, result: dict[str, Any], **columns: Any) -> int:
    """A request of the job that was answered so; returns the response's id."""
    with db.transaction() as session:
        response: int = db.scalar(
            session,
            """INSERT INTO response (fingerprint, model, raw, finish_reason, input_tokens, cached_input_tokens,
                 output_tokens, verdict, result)
               VALUES ('f', 'm', '{}', 'stop', 1, 0, 1, 'ok', CAST(:result AS jsonb)) RETURNING id""",
            result=orjson.dumps(result).decode(),
        )
    values = {"document_id": document, "custom_id": document, "finished_at": "2026-11-01T00:00:00Z"} | columns
    made.requests(job, "succeeded", 1, response_id=response, **values)
    return response


@pytest.fixture
def template() -> str:
    """With the answers of one job to four documents, of which the last has an older and a newer one, and parts."""
    own = templates.create("Terms", "What are the terms?", FIELDS, insights=False).id
    documents = ready_documents(4)
    change("INSERT INTO collection (id, workspace_id, name) VALUES ('col_2', 'ws_default', 'other')")
    change("UPDATE document SET collection_id = 'col_2' WHERE id = :id", id=documents[1])
    job = made.job("completed", template_id=own)
    for document, result in zip(documents, ANSWERS, strict=False):
        response = answer(job, document, result)
        quote = "It works again." if document != documents[1] else "Nobody said such a thing."
        with db.transaction() as session:
            field_quotes.write(session, [Quoted(document, response, "party", "x", quote)])
    other = made.job("completed", template_id=own)
    newest = {"party": "Delta", "fee": 7, "law": "FR", "binding": False, "topics": [], "document": "new"}
    answer(other, documents[3], newest, finished_at="2026-11-03T00:00:00Z")
    answer(job, documents[3], ANSWERS[0], finished_at="2026-11-02T00:00:00Z")
    answer(other, documents[3], ANSWERS[2], finished_at="2026-11-04T00:00:00Z", custom_id="doc_0003.1", merge_id=1)
    # A part whose merge was given up when its job went on with another model.
    answer(other, documents[3], ANSWERS[1], finished_at="2026-11-05T00:00:00Z", custom_id="doc_0003.2~9")
    answer(made.job("completed", template_id="qa"), documents[0], {"answer": "no"}, finished_at="2026-11-05T00:00:00Z")
    return own


def get(client: TestClient, template: str, query: str = "", status: int = 200) -> Any:
    found = client.get(f"/api/v1/templates/{template}/matrix?{query}")
    assert found.status_code == status, found.text
    return found.json()


def parties(client: TestClient, template: str, query: str = "") -> list[str]:
    return [row["cells"]["party"]["value"] for row in get(client, template, query)["items"]]


def test_each_document_has_its_latest_answer_with_quotes_and_verdicts(client: TestClient, template: str) -> None:
    found = get(client, template)
    assert [(field["name"], field["quote"]) for field in found["fields"]] == [(f.name, f.quote) for f in FIELDS]
    assert [row["name"] for row in found["items"]] == ["doc_0003", "doc_0002", "doc_0001", "doc_0000"]
    newest, _, unsupported, first = found["items"]
    assert newest["cells"]["party"] == {
        "value": "Delta",
        "quote": None,
        "verdict": None,
        "supported": False,
        "quarantined": False,
        "start": None,
        "end": None,
    }
    assert (unsupported["cells"]["party"]["verdict"], unsupported["cells"]["party"]["start"]) == ("absent", None)
    start = len("doc_0000 was replaced. ")
    assert first["cells"]["party"] == {
        "value": "Acme",
        "quote": "It works again.",
        "verdict": "found",
        "supported": True,
        "quarantined": False,
        "start": start,
        "end": start + len("It works again."),
    }
    assert first["cells"]["topics"]["value"] == ["Pumps", "late"]
    assert (first["collection"], unsupported["collection"]) == ("default", "other")
    assert matrix.count(Wanted(template)).count == 4


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("collection=other", ["=Zeta()"]),
        ("job={first}", ["Acme", "beta", "=Zeta()", "Acme"]),
        ("where=law:DE", ["beta", "Acme"]),
        ("where=binding:false", ["Delta", "=Zeta()"]),
        ("where=fee:50..", ["=Zeta()", "Acme"]),
        ("where=fee:..99.5", ["Delta", "=Zeta()"]),
        ("where=fee:7", ["Delta"]),
        ("where=fee:", ["beta"]),
        ("where=party:ET", ["beta", "=Zeta()"]),
        ("where=topics:PUMP", ["Acme"]),
        ("where=topics:", ["Delta", "=Zeta()"]),
        ("where=document:", ["beta", "Acme"]),
        ("where=law:DE&where=fee:1000", ["Acme"]),
        ("where=party:%25", []),
        ("evidence=unsupported", ["=Zeta()"]),
        ("evidence=supported", ["Delta", "beta", "Acme"]),
        ("sort=fee", ["Delta", "=Zeta()", "Acme", "beta"]),
        ("sort=-fee", ["Acme", "=Zeta()", "Delta", "beta"]),
        ("sort=party", ["=Zeta()", "Acme", "beta", "Delta"]),
        ("sort=-party", ["Delta", "beta", "Acme", "=Zeta()"]),
        ("sort=document", ["beta", "Delta", "=Zeta()", "Acme"]),
    ],
)
def test_it_is_narrowed_and_ordered_also_page_by_page(
    client: TestClient, template: str, query: str, expected: list[str]
) -> None:
    query = query.format(first=rows("SELECT min(id) AS id FROM job")[0]["id"])
    assert parties(client, template, query) == expected
    walked, cursor = [], ""
    while cursor is not None:
        page = get(client, template, f"{query}&limit=1&cursor={cursor}" if cursor else f"{query}&limit=1")
        walked += [row["cells"]["party"]["value"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert walked == expected


@pytest.mark.parametrize(
    "wrong",
    [
        "where=nothing:1",
        "where=fee",
        "where=fee:much",
        "where=fee:nan",
        "where=fee:1e9999",
        "sort=nothing",
        "format=pdf",
        "nonsense=1",
        "cursor=insights-newest~x",
        "cursor=matrix-{template}-~x",
        "cursor=matrix-{template}-~[1]",
        'sort=fee&cursor=matrix-{template}-fee~["x","y"]',
    ],
)
def test_what_it_cannot_follow_is_refused(client: TestClient, template: str, wrong: str) -> None:
    get(client, template, wrong.format(template=template), 422)
    if "cursor" not in wrong:
        get(client, template, f"format=csv&{wrong.format(template=template)}", 422)


def test_a_template_without_a_value_for_each_field_has_none(client: TestClient) -> None:
    many = templates.create("Many", "All of them.", FIELDS[1:2], insights=True)
    assert "makes no insights" in get(client, many.id, status=422)["message"]
    get(client, "key_points", status=422)
    get(client, "tpl_x", status=404)


def test_it_is_a_file_with_the_same_rows_in_which_nothing_computes(client: TestClient, template: str) -> None:
    answered = client.get(f"/api/v1/templates/{template}/matrix?format=csv&sort=fee")
    assert answered.headers["content-disposition"].startswith("attachment; filename=terms-2")
    assert answered.headers["content-type"] == "text/csv; charset=utf-8"
    found = list(csv.DictReader(io.StringIO(answered.text, newline="")))
    assert [row["party"] for row in found] == ["Delta", "'=Zeta()", "Acme", "beta"]
    assert list(found[0]) == [
        *("document_", "name", "collection", "party", "party_quote", "party_verdict", "fee", "law", "binding"),
        *("topics", "document", "job", "response"),
    ]
    acme = found[2]
    assert (acme["fee"], acme["binding"], acme["topics"]) == ("1000", "true", "Pumps; late")
    assert (acme["party_quote"], acme["party_verdict"]) == ("It works again.", "found")
    content = client.get(f"/api/v1/templates/{template}/matrix?format=xlsx&where=law:FR").content
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("Terms").to_python()
    assert [row[6] for row in sheet] == ["fee", 7, 99.5]
    (entry,) = rows("SELECT door, after FROM audit_entry WHERE after ->> 'format' = 'xlsx'")
    assert (entry["door"], entry["after"]["where"]) == ("api", [["law", "FR"]])


def test_values_of_another_type_than_now_are_shown_and_leave_a_typed_column_empty(
    client: TestClient, template: str
) -> None:
    changed = (FieldSpec("party", "number"), FieldSpec("fee", "string"), FieldSpec("binding", "list"))
    templates.change(template, "Terms", "What are the terms?", changed, insights=False)
    assert parties(client, template, "sort=party")[0] == "Acme"
    assert len(parties(client, template, "where=party:1..&sort=fee")) == 0
    found = client.get(f"/api/v1/templates/{template}/matrix?format=parquet")
    assert found.status_code == 200
    text = client.get(f"/api/v1/templates/{template}/matrix?format=csv&where=fee:1000").text.splitlines()[1]
    assert text.split(",")[3:6] == ["", "1000", "true"]


def test_no_other_workspace_sees_a_row(client: TestClient, template: str) -> None:
    with workspace.bound("ws_other"):
        change("INSERT INTO workspace (id, name) VALUES ('ws_other', 'other')")
        change("UPDATE template SET workspace_id = 'ws_other' WHERE id = :id", id=template)
        assert matrix.find(Wanted(template)).page.items == ()


def test_a_value_whose_quote_lies_in_a_passage_with_instructions_says_so_and_is_supported_by_nothing(
    client: TestClient, template: str
) -> None:
    assert "Acme" in parties(client, template, "evidence=supported")
    change("UPDATE field_quote SET quarantined = true WHERE document_id = 'doc_0000'")
    cell = get(client, template)["items"][-1]["cells"]["party"]
    assert (cell["value"], cell["verdict"], cell["supported"], cell["quarantined"]) == ("Acme", "found", False, True)
    assert parties(client, template, "evidence=unsupported").count("Acme") == 1
    text = client.get(f"/api/v1/templates/{template}/matrix?format=csv").text
    assert "It works again.,quarantined" in text
