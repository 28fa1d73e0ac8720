"""One text now, or many texts as a job."""

import io
from typing import Any

from fastapi import APIRouter

from api.jobs import out as job_out
from api.schemas.jobs import JobOut
from api.schemas.shared import ListOut
from api.schemas.texts import BatchProcessIn, OperationOut, ProcessIn, ProcessOut
from core.asking import templates
from core.calls import clients
from core.documents import upload
from core.errors import InvalidInput
from core.jobs import launch, report
from core.jobs.launch import JobSpec
from core.live import single_text
from core.runtime import shared_clock
from core.runtime.ids import new_id

router = APIRouter(prefix="/text_processing", tags=["text_processing"])


@router.get("/operations", response_model=ListOut[OperationOut])
def operations() -> Any:
    found = [
        {"id": view.id, "name": view.name, "description": view.description, "options": view.params_schema}
        for view in templates.list_all()
        if view.built_in
    ]
    return {"items": found, "next_cursor": None}


@router.post("/process", response_model=ProcessOut)
async def process_one(body: ProcessIn) -> Any:
    return await single_text.process(body.operation, body.text, body.options, body.provider, body.model)


@router.post("/batch_process", status_code=202, response_model=JobOut)
def process_many(body: BatchProcessIn) -> Any:
    """Store the texts as documents of a new collection, to which the answers and quotes belong, and make a job."""
    at = shared_clock.now()
    collection = f"texts {at:%Y-%m-%d %H:%M:%S} {new_id('txt')[-4:]}"
    spec = JobSpec(
        template=body.operation,
        provider=body.provider or single_text.default_provider(),
        collection=collection,
        model=body.model,
        lane=body.lane,
        params=body.options,
        confirmed=body.confirmed,
    )
    if any(not text.strip() for text in body.texts):
        raise InvalidInput("A text is empty. Leave it out.")
    launch.check(spec)
    clients.provider(spec.provider)
    for number, text in enumerate(body.texts, 1):
        upload.add(f"text-{number:05}.txt", io.BytesIO(text.encode()), collection, media_type="text/plain")
    return job_out(report.get(launch.create(spec, at)))
