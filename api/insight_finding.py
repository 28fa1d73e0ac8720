"""Insights by what they have in common, and by what a job changed."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.insights import filters_of, out
from api.schemas.finding import ChangesIn, ChangesOut, FacetsOut, ValueOut
from api.schemas.insights import FiltersIn
from api.schemas.shared import fields_of
from core.insights import changes_report, facets_report

router = APIRouter(prefix="/insights", tags=["insights"])


@router.get("/facets", response_model=FacetsOut)
def facets(given: Annotated[FiltersIn, Query()]) -> Any:
    """Of what the list with these filters shows."""
    found = facets_report.facets(filters_of(given))
    values = {name: [fields_of(one, ValueOut) for one in each] for name, each in found.fields.items()}
    lists = {
        name: [fields_of(one, ValueOut) for one in getattr(found, name)]
        for name in FacetsOut.model_fields
        if name not in ("fields", "sampled")
    }
    return {**lists, "fields": values, "sampled": found.sampled}


@router.get("/changes", response_model=ChangesOut)
def changes(given: Annotated[ChangesIn, Query()]) -> Any:
    """What a job brought, or what came since: newest insight first."""
    found = changes_report.changes(job=given.job, since=given.since, limit=given.limit, cursor=given.cursor)
    insights = out([one.insight for one in found.page.items])
    items = [
        {"insight": insight, "what": one.what, "support": {"before": one.before, "after": one.after}}
        for insight, one in zip(insights, found.page.items, strict=True)
    ]
    return {**fields_of(found, ChangesOut), "items": items, "next_cursor": found.page.next_cursor}
