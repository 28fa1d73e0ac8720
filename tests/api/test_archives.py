"""An archive and its documents, over HTTP and on their pages."""

import io
import threading

import pytest
from starlette.testclient import TestClient

from core.documents import extract, upload
from core.runtime import worker_lease
from tests.core.documents.extraction.making import zipped
from tests.pages.seeing import buttons, links, show, words
from tests.pipeline import rows


@pytest.mark.usefixtures("database")
def test_an_archive_on_its_page_and_over_http(client: TestClient) -> None:
    data = zipped({"a.txt": "First.", "b.txt": "Second.", "tool.exe": b"MZ"})
    of = upload.add("all.zip", io.BytesIO(data)).document.id
    worker = worker_lease.register("test")
    while queued := rows("SELECT id FROM document WHERE state = 'queued' ORDER BY id LIMIT 1"):
        extract.extract_document(queued[0]["id"], worker, threading.Event())
    got = client.get(f"/api/v1/documents/{of}").json()
    assert (got["state"], got["part_of"], got["error"]) == ("ready", None, None)
    assert [(one["code"], one["names"]) for one in got["warnings"]] == [("ATTACHMENTS_UNREAD", ["tool.exe"])]
    assert client.get(f"/api/v1/documents/{of}/text").status_code == 409
    items = client.get(f"/api/v1/documents?part_of={of}&state=ready").json()["items"]
    assert [(one["name"], one["part_of"]) for one in items] == [("b.txt", of), ("a.txt", of)]
    assert len(client.get("/api/v1/documents?state=ready").json()["items"]) == 3
    at = show("document", id=of)
    assert "tool.exe" in words(at).replace("\\", "")
    assert list(at.dataframe[0].value["Name"]) == ["a.txt", "b.txt"]
    assert "Analyse" not in buttons(at)
    part = show("document", id=items[0]["id"])
    assert "Part of all.zip" in " ".join(links(part)).replace("\\", "")
    assert client.delete(f"/api/v1/documents/{of}").status_code == 204
    assert client.get("/api/v1/documents").json()["items"] == []
