"""Budgets per month: what may be spent by all, a workspace, a user, a template, a collection or a provider."""

from typing import Any

from fastapi import APIRouter

from api.schemas.budgets import BudgetIn, BudgetOut
from api.schemas.shared import ListOut
from core.budgets import manage, report
from core.budgets.report import BudgetRow
from core.runtime import shared_clock

router = APIRouter(prefix="/budgets", tags=["usage"])
OF_THE_ROW = {"month", "state", "waiting"}


def _out(row: BudgetRow) -> dict[str, Any]:
    taken = {name: getattr(row.taken, name) for name in BudgetOut.model_fields if name not in OF_THE_ROW}
    return {**taken, "month": row.month, "state": row.state, "waiting": list(row.waiting)}


@router.get("", response_model=ListOut[BudgetOut])
def list_all() -> Any:
    return {"items": [_out(row) for row in report.every(shared_clock.now())], "next_cursor": None}


@router.post("", response_model=BudgetOut, status_code=201)
def create(body: BudgetIn) -> Any:
    return get(manage.create(body.spec()))


@router.get("/{budget_id}", response_model=BudgetOut)
def get(budget_id: str) -> Any:
    return _out(report.get(budget_id, shared_clock.now()))


@router.put("/{budget_id}", response_model=BudgetOut)
def change(budget_id: str, body: BudgetIn) -> Any:
    """Jobs that wait for it go on by themselves where it has room now."""
    manage.change(budget_id, body.spec())
    return get(budget_id)


@router.delete("/{budget_id}", status_code=204)
def delete(budget_id: str) -> None:
    manage.delete(budget_id)
