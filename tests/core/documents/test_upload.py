"""Uploads are refused before the disk is full."""

import io
from typing import Any

import pytest

from core.documents import deletion, upload
from core.runtime.disk import DiskFull, room
from tests.pipeline import add_document, rows

pytestmark = pytest.mark.usefixtures("database")


def test_an_upload_that_would_fill_the_disk_is_refused_and_documents_can_be_deleted(setting: Any) -> None:
    document = add_document()
    free, _ = room()
    setting(MIN_FREE_DISK_MB=(free >> 20) + 1024)
    with pytest.raises(DiskFull, match="MB are free"):
        upload.add("more.txt", io.BytesIO(b"more"))
    assert [row["id"] for row in rows("SELECT id FROM document")] == [document]
    deletion.delete(document)
    assert rows("SELECT 1 FROM document") == []


def test_what_fits_is_stored(setting: Any) -> None:
    free, _ = room()
    setting(MIN_FREE_DISK_MB=(free >> 20) - 1024)
    assert not upload.add("more.txt", io.BytesIO(b"more")).duplicate
