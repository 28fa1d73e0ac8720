"""What is exported, and in which format."""

from typing import Literal

from pydantic import Field

from api.schemas.documents import DocumentState
from api.schemas.insights import FiltersIn, InsightState
from api.schemas.shared import In
from core.documents.report import WithWarnings
from core.exports.columns import FormatName
from core.runtime.paging import MOST


class InsightExportIn(FiltersIn):
    """`id`, repeated: these alone. `state`, repeated: any of these."""

    format: FormatName
    state: list[InsightState] | None = None  # type: ignore[assignment]
    unsupported: bool = False
    id: list[str] | None = Field(None, max_length=MOST)


class DocumentExportIn(In):
    """As of the list. `archives` false: those that are unpacked do not count as ready. `name`: a part of it."""

    format: FormatName
    collection: str | None = None
    state: DocumentState | Literal["unpacked"] | None = None
    archives: bool = True
    name: str | None = None
    warnings: WithWarnings | None = None
    part_of: str | None = None
