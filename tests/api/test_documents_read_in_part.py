"""What a document does not hold, over HTTP, and documents that are read again."""

import io
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.documents import extract, read_again, upload, warnings
from core.runtime import worker_lease
from core.tables.documents import DocumentWarning
from tests.core.documents.extraction.making import drawn_pdf
from tests.pipeline import add_document, change

pytestmark = pytest.mark.usefixtures("database")
DOCUMENTS = "/api/v1/documents"


def scanned() -> str:
    """A PDF of four pages, of which two are pictures."""
    page, picture = "BT /F 12 Tf 72 700 Td (Typed words.) Tj ET", "q 600 0 0 800 0 0 cm /Scan Do Q"
    document = upload.add("scan.pdf", io.BytesIO(drawn_pdf([page, picture, picture, page]))).document.id
    extract.extract_document(document, worker_lease.register("test"), threading.Event())
    return document


def get(client: TestClient, address: str) -> Any:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_document_says_what_it_does_not_hold_and_an_estimate_sums_it_up(client: TestClient) -> None:
    part, whole, before = scanned(), add_document(), add_document("Read before Cairn told.")
    change("UPDATE document SET warnings = NULL WHERE id = :id", id=before)
    (warning,) = get(client, f"{DOCUMENTS}/{part}")["warnings"]
    said = warnings.message(DocumentWarning("PAGES_WITHOUT_TEXT", 2, (2, 3)))
    assert warning == {"code": "PAGES_WITHOUT_TEXT", "message": said, "count": 2, "pages": [2, 3], "names": None}
    assert get(client, f"{DOCUMENTS}/{whole}")["warnings"] == []
    assert get(client, f"{DOCUMENTS}/{before}")["warnings"] is None
    for wanted, document in (("true", part), ("false", whole), ("unknown", before)):
        assert [row["id"] for row in get(client, f"{DOCUMENTS}?warnings={wanted}")["items"]] == [document]
    assert client.get(f"{DOCUMENTS}?warnings=some").status_code == 422
    spec = {"template": "summarize", "provider": "offline", "documents": [part, whole, before]}
    found = client.post("/api/v1/jobs/estimate", json=spec).json()["read"]
    assert found == {"documents": 3, "read_in_part": 1, "not_known": 1, "lacking": {"PAGES_WITHOUT_TEXT": 1}}


def test_documents_are_read_again_one_by_one_or_all_that_match(client: TestClient) -> None:
    one, other = add_document(), add_document("Another one.")
    change("UPDATE document SET warnings = NULL")
    asked = client.post(f"{DOCUMENTS}/{one}/retry").json()
    assert (asked["state"], asked["read_again"]) == ("ready", {"state": "waiting", "error": None})
    answer = client.post(f"{DOCUMENTS}/retry?warnings=unknown&collection=default")
    assert (answer.status_code, answer.json()) == (202, {"documents": 2})
    assert client.post(f"{DOCUMENTS}/retry?collection=elsewhere").json() == {"documents": 0}
    worker = worker_lease.register("test")
    while read_again.read_next(worker, threading.Event()):
        pass
    for document in (one, other):
        got = get(client, f"{DOCUMENTS}/{document}")
        assert (got["warnings"], got["read_again"]) == ([], None)


def test_what_could_not_be_read_again_says_why(client: TestClient) -> None:
    document = add_document()
    change("UPDATE blob_chunk SET data = decode(repeat('01', octet_length(data)), 'hex')")
    client.post(f"{DOCUMENTS}/{document}/retry")
    read_again.read_next(worker_lease.register("test"), threading.Event())
    got = get(client, f"{DOCUMENTS}/{document}")
    assert (got["state"], got["error"], got["read_again"]["state"]) == ("ready", None, "failed")
    assert got["read_again"]["error"]["code"] == "CORRUPT"
    assert client.get(f"{DOCUMENTS}/{document}/text").status_code == 200
