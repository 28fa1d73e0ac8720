"""What is exported, and in which format."""

from pydantic import Field

from api.schemas.insights import FiltersIn
from core.exports.columns import FormatName
from core.runtime.paging import MOST


class InsightExportIn(FiltersIn):
    """`id`, repeated: these alone."""

    format: FormatName
    unsupported: bool = False
    id: list[str] | None = Field(None, max_length=MOST)
