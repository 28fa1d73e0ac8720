"""The matrix page: what it shows and leaves out by its link, the drawer with the passage, and the link that exports."""

from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from api import api
from core.asking import templates
from core.documents import deletion
from core.fields import FieldSpec
from tests.pages.seeing import links, press, show, unfold, words
from tests.pipeline import add_document, change, make_job, rows, run_job

pytestmark = pytest.mark.usefixtures("database")
FIELDS = (
    FieldSpec("fee", "number", "monthly fee", quote=True),
    FieldSpec("law", "choice", "governed by the law", ("Germany", "France")),
    FieldSpec("late", "boolean"),
)
TEXT = "This is agreement {n}. The monthly fee is {fee} euros. The agreement is governed by the law of {law}."


@pytest.fixture
def template() -> str:
    """Its id; three contracts were asked, and the quote of the second is not in its document any more."""
    own = templates.create("Terms", "Read the contract.", FIELDS, insights=False).id
    given = ((100, "Germany"), (2500, "France"), (300, "Germany"))
    documents = [
        add_document(TEXT.format(n=n, fee=fee, law=law), f"{law}-{fee}.txt") for n, (fee, law) in enumerate(given)
    ]
    run_job(make_job(documents, own))
    change(
        "UPDATE field_quote SET supported = false, verdict = 'absent', start = NULL WHERE document_id = :id",
        id=documents[1],
    )
    return own


def column(at: AppTest, name: str) -> list[str]:
    assert not at.exception
    return list(at.dataframe[0].value[name]) if at.dataframe else []


def test_values_stand_with_their_quotes_and_what_was_found_of_them(template: str) -> None:
    at = show("matrix")
    assert column(at, "Document") == ["Germany-300.txt", "France-2500.txt", "Germany-100.txt"]
    assert column(at, "fee") == [
        "300 ✓ “The monthly fee is 300 euros.”",
        "2,500 ⚠ “The monthly fee is 2500 euros.”",
        "100 ✓ “The monthly fee is 100 euros.”",
    ]
    assert "1 to 3 of 3" in words(at)
    assert column(at.toggle(key="in_table").set_value(False).run(), "fee") == ["300 ✓", "2,500 ⚠", "100 ✓"]
    assert column(at, "late") == ["no"] * 3


def test_filters_and_order_stand_in_the_link(template: str) -> None:
    assert column(show("matrix", order="fee", down="true"), "Document")[0] == "France-2500.txt"
    assert column(show("matrix", field="law", choice="France"), "Document") == ["France-2500.txt"]
    assert column(show("matrix", field="fee", value="50..350", order="fee"), "Document") == [
        "Germany-100.txt",
        "Germany-300.txt",
    ]
    assert column(show("matrix", quotes="some quote not found"), "Document") == ["France-2500.txt"]
    (job,) = rows("SELECT id FROM job")
    assert len(column(at := show("matrix", job=job["id"]), "fee")) == 3
    assert "Answers of one job alone" in words(at)
    assert "job" not in press(at, "Of all jobs").query_params
    assert "No document fits" in words(show("matrix", collection="default", job="job_x"))
    assert "is no number" in words(show("matrix", field="fee", value="much"))


def test_what_the_page_shows_is_what_its_link_exports(template: str) -> None:
    at = show("matrix", field="law", choice="Germany", order="fee")
    assert not at.get("link_button")
    (link,) = (found.proto for found in unfold(at, "matrix_export").get("link_button"))
    assert link.label == "Export 2 documents"
    with TestClient(api, base_url="http://localhost") as client:
        lines = client.get(link.url.removeprefix("api/v1")).text.splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == column(at, "Document")


def test_a_click_opens_the_passage_in_its_document(template: str) -> None:
    at = show("matrix")
    rows_ = rows("SELECT id FROM document ORDER BY id DESC")
    key = f"matrix-{hash(tuple(row['id'] for row in rows_))}"
    at.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": [(0, "fee")]}}
    at = at.run()
    assert (at.query_params["document"], at.query_params["cell"]) == (rows_[0]["id"], "fee")
    assert "The quote stands in Germany\\-300\\.txt word for word" in words(at)
    (passage,) = [found.proto.body for found in at.get("html") if "<mark" in found.proto.body]
    assert ">The monthly fee is 300 euros.</mark>" in passage
    assert "agreement is governed" in passage
    assert links(at)["Open the document"].startswith(f"document?id={rows_[0]['id']}&start=")
    at = press(at, "Next")
    assert "Not found in France\\-2500\\.txt; the model gave this quote:" in words(at)
    assert "“The monthly fee is 2500 euros\\.”" in words(at)
    assert not [found for found in at.get("html") if "<mark" in found.proto.body]
    assert "not in the matrix any more" in words(show("matrix", document="doc_x", cell="fee"))


def test_templates_and_jobs_lead_to_it(template: str) -> None:
    assert links(show("templates"))["Matrix"] == "matrix?template=Terms"
    (job,) = rows("SELECT id FROM job")
    at = show("job", id=job["id"])
    assert links(at)["Matrix"] == f"matrix?template=Terms&job={job['id']}"
    # Of a quote is said there what was found of it; here it would stand as the document's own.
    assert "**Fee:** 300" in words(at)
    assert "The monthly fee" not in words(at)


def test_without_answers_it_says_what_to_do() -> None:
    assert "takes a template of your own" in words(show("matrix"))
    templates.create("Terms", "Read the contract.", FIELDS, insights=False)
    at = show("matrix")
    assert "No document was asked with this template yet." in words(at)
    assert links(at)["Analyse with it"] == "analyse?template=Terms"


def test_it_leads_to_a_new_template_of_the_kind_that_it_takes() -> None:
    at = press(show("matrix"), "Make such a template")
    assert [toggle.value for toggle in at.toggle] == [False]
    assert "new" not in at.query_params
    assert [toggle.value for toggle in press(show("templates"), "New template").toggle] == [True]


def test_a_deleted_template_keeps_its_matrix_and_is_not_asked_anew(template: str) -> None:
    templates.delete(template, datetime.now(UTC))
    assert len(column(show("matrix", template="Terms"), "Document")) == 3
    for document in rows("SELECT id FROM document"):
        deletion.delete(document["id"])
    at = show("matrix", template="Terms")
    assert "was deleted, and no document has an answer to it" in words(at)
    assert "Analyse with it" not in links(at)
