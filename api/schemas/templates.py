"""Templates."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.shared import In
from core.exports.columns import FormatName
from core.runtime.paging import MOST


class FieldIn(In):
    name: str
    type: Literal["string", "number", "integer", "boolean", "list", "choice"]
    description: str = ""
    choices: list[str] = Field(default_factory=list)
    required: bool = True
    quote: bool = Field(False, description="Also ask for the passage that the value was taken from")


class TemplateIn(In):
    name: str
    prompt: str
    fields: list[FieldIn] = Field(default_factory=list)
    insights: bool = False


class TemplateOut(BaseModel):
    id: str
    workspace: str | None = Field(description="null: built in")
    name: str
    description: str
    version: int
    built_in: bool
    prompt: str
    fields: list[FieldIn]
    insights: bool
    params_schema: dict[str, Any]


class MatrixIn(In):
    """`where`, repeated: `field:value`; all have to fit. A number is equal, or within `low..high`; a text or an item of
    a list contains it; an empty value fits an empty field. `evidence`: all quotes stand in the document, or some do
    not. `sort`: a field, or `document` for its name, descending behind `-`; else newest documents first. `format`: all
    rows as a file."""

    collection: str | None = None
    job: str | None = None
    where: list[str] = Field(default_factory=list, max_length=20)
    evidence: Literal["supported", "unsupported"] | None = None
    sort: str | None = None
    limit: int = Field(100, ge=1, le=MOST)
    cursor: str | None = None
    format: FormatName | None = None


class CellOut(BaseModel):
    """`start`, `end`: the quote's place, or, where its words differ, the place that it is nearest to.
    `quarantined`: that lies in a passage that gives instructions to a model; it supports nothing."""

    value: Any
    quote: str | None
    verdict: Literal["found", "spelling", "differs", "absent", "short"] | None
    supported: bool
    quarantined: bool
    start: int | None
    end: int | None


class MatrixRowOut(BaseModel):
    """The document's latest answer; `cells` by field."""

    document: str
    name: str
    collection: str
    response: str
    job: str
    cells: dict[str, CellOut]


class MatrixOut(BaseModel):
    fields: list[FieldIn]
    items: list[MatrixRowOut]
    next_cursor: str | None
