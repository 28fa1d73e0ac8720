"""The output of a job as a table: documents by fields, with quotes, verdicts, errors and cost."""

import csv
import io
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from core.asking import templates
from core.fields import FieldSpec
from tests.pages import made
from tests.pipeline import add_document, change, make_job, rows, run_job

pytestmark = pytest.mark.usefixtures("database")


def table(client: TestClient, job: str, format_: str = "csv") -> list[dict[str, str]]:
    answer = client.get(f"/api/v1/jobs/{job}/output?format={format_}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].endswith(f".{format_}")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_each_document_is_a_row_with_its_fields_quotes_and_cost(client: TestClient) -> None:
    fields = (FieldSpec("cost", "number", "what repairs cost", quote=True), FieldSpec("state", "string"))
    own = templates.create("Repairs", "What do repairs cost?", fields, insights=False)
    first, second = add_document(name="=a.txt"), add_document("Nothing of that kind is said here at all.", "b.txt")
    run_job(job := make_job([first, second], own.id))
    change("UPDATE request SET state = 'failed', error_message = 'refused' WHERE document_id = :id", id=second)
    change(
        """UPDATE response s SET verdict = 'refusal' FROM request r
           WHERE s.request_id = r.id AND r.document_id = :id""",
        id=second,
    )
    found = table(client, job)
    assert list(found[0]) == [
        *("document", "name", "collection", "state", "cost", "state_", "cost_quote", "cost_verdict"),
        *("error", "reused", "cost_usd"),
    ]
    by_name = {row["name"]: row for row in found}
    told = by_name["'=a.txt"]
    assert (told["state"], told["cost"], told["cost_verdict"]) == ("succeeded", "48000", "found")
    assert told["cost_quote"] == "Repairs took nine days and cost 48,000 euros."
    assert (told["cost_usd"], told["reused"]) == ("0", "false")
    failed = by_name["b.txt"]
    assert (failed["state"], failed["error"], failed["cost"]) == ("failed", "refused", "")
    assert rows("SELECT door, action, subject, after FROM audit_entry WHERE action = 'export'") == [
        {"door": "api", "action": "export", "subject": f"answers:{job}", "after": {"format": "csv"}}
    ]


@pytest.mark.parametrize(
    ("template", "params", "columns"),
    [
        ("key_points", {"count": 2}, ["points", "points_quotes", "points_verdicts"]),
        ("qa", {"question": "What did repairs cost?"}, ["answer", "found", "quotes", "quotes_verdicts"]),
        ("sentiment", {}, ["sentiment", "score", "confidence"]),
        ("questions", {"count": 2}, ["questions"]),
    ],
)
def test_built_in_templates_have_theirs(
    client: TestClient, template: str, params: dict[str, Any], columns: list[str]
) -> None:
    run_job(job := make_job([add_document()], template, params=params))
    (row,) = table(client, job)
    assert list(row)[4:-3] == columns
    assert all(row[name] for name in columns)
    if template == "key_points":
        assert row["points_verdicts"] == "found; found"
    content = client.get(f"/api/v1/jobs/{job}/output?format=xlsx").content
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert sheet[0][4:-3] == columns


def test_only_a_job_with_fields_is_a_table(client: TestClient) -> None:
    own = made.job("completed", template_id=None)
    assert client.get(f"/api/v1/jobs/{own}/output?format=csv").status_code == 422
    assert client.get("/api/v1/jobs/job_x/output?format=csv").status_code == 404
    assert client.get(f"/api/v1/jobs/{own}/output?format=pdf").status_code == 422
    assert client.get(f"/api/v1/jobs/{own}/output?format=jsonl").text == ""
    assert rows("SELECT 1 FROM audit_entry") == []
