"""The matrix of a template: documents by fields, with the quote of each value, as a list or as a file."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.downloads import FILE, download
from api.schemas.shared import fields_of
from api.schemas.templates import CellOut, MatrixIn, MatrixOut, MatrixRowOut
from core.asking import templates
from core.insights import matrix, matrix_export, matrix_filters
from core.insights.matrix import MatrixRow, Wanted
from core.runtime import shared_clock

router = APIRouter(prefix="/templates", tags=["templates"])


def out(row: MatrixRow) -> dict[str, Any]:
    cells = {name: fields_of(cell, CellOut) for name, cell in row.cells.items()}
    return {**fields_of(row, MatrixRowOut), "cells": cells}


@router.get("/{template_id}/matrix", response_model=MatrixOut, responses=FILE)
def get(template_id: str, given: Annotated[MatrixIn, Query()]) -> Any:
    """Of each document its latest answer to the template, which has fields and makes no insights."""
    narrowed = given.model_dump(include={"collection", "job", "evidence", "sort"})
    wanted = Wanted(template_id, where=tuple(map(matrix_filters.parsed, given.where)), **narrowed)
    if given.format is not None:
        matrix.check(wanted)
        make = partial(matrix_export.export, format_=given.format, wanted=wanted)
        return download(templates.get(template_id).name, given.format, shared_clock.now(), make)
    found = matrix.find(wanted, limit=given.limit, cursor=given.cursor)
    items = [out(row) for row in found.page.items]
    return {"fields": found.fields, "items": items, "next_cursor": found.page.next_cursor}
