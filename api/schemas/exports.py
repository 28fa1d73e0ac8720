"""What is exported, and in which format."""

from pydantic import Field

from api.schemas.insights import FiltersIn, InsightState
from core.exports.columns import FormatName
from core.runtime.paging import MOST


class InsightExportIn(FiltersIn):
    """`id`, repeated: these alone. `state`, repeated: any of these."""

    format: FormatName
    state: list[InsightState] | None = None  # type: ignore[assignment]
    unsupported: bool = False
    id: list[str] | None = Field(None, max_length=MOST)
