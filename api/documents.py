"""Documents: upload, list, text, original, try again, delete."""

from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Path, Query, UploadFile
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from api.downloads import FILE, download
from api.schemas.documents import (
    AskedOut,
    DocumentIn,
    DocumentOut,
    DocumentState,
    PassageOut,
    PassagesOut,
    SkippedOut,
    UploadedOut,
    UploadOut,
)
from api.schemas.exports import DocumentExportIn
from api.schemas.shared import Cursor, Limit, ListOut, StorableForm, error_of, fields_of, listed
from core.documents import content, deletion, export, extract, moving, page_images, read_again, report, warnings
from core.documents import upload as core_documents
from core.documents.report import DocumentRow, Filters, WithWarnings
from core.errors import InvalidInput, NotFound
from core.runtime import shared_clock, workspace
from core.tables.documents import UNPACKED, DocumentWarning

router = APIRouter(prefix="/documents", tags=["documents"])
# Refused files that a refusal names.
MOST_NAMED = 5


def out(row: DocumentRow) -> dict[str, Any]:
    again = row.again and {"state": row.again, "error": error_of(row.again_error_code, row.again_error_message)}
    return {
        **fields_of(row, DocumentOut),
        "workspace": workspace.current(),
        "state": "ready" if row.state == UNPACKED else row.state,
        "error": error_of(row.error_code, row.error_message),
        "warnings": None if row.warnings is None else [warning_out(one) for one in row.warnings],
        "read_again": again,
    }


def warning_out(warning: DocumentWarning) -> dict[str, Any]:
    pages = list(warning.pages) or None
    return {"code": warning.code, "message": warnings.message(warning), "count": warning.count, "pages": pages} | {
        "names": list(warning.names) or None
    }


def one(document_id: str) -> dict[str, Any]:
    found = report.by_ids([document_id])
    if not found:
        raise NotFound(f"There is no document {document_id}. It may have been deleted.")
    return out(found[0])


def filters_of(
    collection: str | None = None,
    state: DocumentState | None = None,
    warnings: Annotated[
        WithWarnings | None,
        Query(description="true: something of the file is not in the text; unknown: read before Cairn told"),
    ] = None,
    part_of: Annotated[str | None, Query(description="The id of the archive they came in")] = None,
) -> Filters:
    return Filters(collection=collection, state=state, warnings=warnings, part_of=part_of, with_archives=True)


@router.post("", status_code=202)
def upload(
    files: Annotated[list[UploadFile], File()], collection: StorableForm = core_documents.DEFAULT_COLLECTION
) -> UploadOut:
    """A file that is not accepted, such as an empty one, is `skipped`, and the others are stored. 422 if none is."""
    added, skipped = [], []
    for file in files:
        try:
            added.append(core_documents.add(file.filename or "unnamed", file.file, collection))
        except InvalidInput as error:
            skipped.append(SkippedOut(name=file.filename or "unnamed", message=error.message))
    if not added:
        raise InvalidInput(" ".join(one.message for one in skipped[:MOST_NAMED]))
    items = [UploadedOut(**one(a.document.id), duplicate=a.duplicate) for a in added]
    return UploadOut(items=items, skipped=skipped)


@router.get("", response_model=ListOut[DocumentOut])
def find(filters: Annotated[Filters, Depends(filters_of)], limit: Limit = 100, cursor: Cursor = None) -> Any:
    return listed(report.find(filters, limit=limit, cursor=cursor), out)


@router.post("/retry", status_code=202, response_model=AskedOut)
def retry_all(filters: Annotated[Filters, Depends(filters_of)]) -> Any:
    """Read all ready documents again that match. Each keeps its text until the new one takes its place."""
    return {"documents": read_again.ask_all(filters)}


@router.get("/export", response_class=StreamingResponse, responses=FILE)
def export_all(given: Annotated[DocumentExportIn, Query()]) -> StreamingResponse:
    """The documents that the list has, as a file: a row for each."""
    filters = Filters(**given.model_dump(exclude={"format", "archives"}), with_archives=given.archives)
    make = partial(export.export, format_=given.format, filters=filters)
    return download(export.TITLE, given.format, shared_clock.now(), make)


@router.get("/{document_id}", response_model=DocumentOut)
def get(document_id: str) -> Any:
    return one(document_id)


TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


# Of the media type of a response class OpenAPI would make that of every refusal, too.
@router.get("/{document_id}/text", response_class=Response, responses=TEXT)
def text(document_id: str) -> PlainTextResponse:
    """The extracted text. Spans count its code points."""
    return PlainTextResponse(content.text_of(document_id).text)


@router.get("/{document_id}/instructions", response_model=PassagesOut)
def instructions(document_id: str) -> Any:
    """Passages that give instructions to a model, in their order. Insights whose quotes lie in them are in
    quarantine."""
    found = content.marked(content.text_of(document_id))
    return {"items": None if found is None else [fields_of(one, PassageOut) for one in found]}


@router.get("/{document_id}/original")
def original(document_id: str) -> StreamingResponse:
    document, chunks = content.original(document_id)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(document.name)}",
        "Content-Length": str(document.size_bytes),
    }
    return StreamingResponse(chunks, media_type="application/octet-stream", headers=headers)


JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {"schema": {"type": "string"}}}}}


@router.get("/{document_id}/pages/{number}/image", response_class=Response, responses=JPEG)
def page_image(document_id: str, number: Annotated[int, Path(ge=1, le=100_000)]) -> Response:
    """A page of a PDF as people see it; pages count from 1. It is drawn for this answer, and kept nowhere."""
    # The browser that asked may show it again for as long as one looks at a document.
    headers = {"Cache-Control": "private, max-age=300"}
    return Response(page_images.of_page(document_id, number), media_type="image/jpeg", headers=headers)


@router.post("/{document_id}/retry", response_model=DocumentOut)
def retry(document_id: str) -> Any:
    """Read it again: one that failed, or one that is ready, whose text stays until the new one takes its place."""
    extract.retry(document_id)
    return one(document_id)


@router.patch("/{document_id}", response_model=DocumentOut)
def move(document_id: str, given: DocumentIn) -> Any:
    """Move it to a collection, which is made when new; an archive goes with its parts. 409 where the collection has the
    same content already, or a job under way asks it."""
    moving.move_one(document_id, given.collection)
    return one(document_id)


@router.delete("/{document_id}", status_code=204)
def delete(document_id: str) -> Response:
    deletion.delete(document_id)
    return Response(status_code=204)
