"""Reuse of answers, for operators."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter

from api.schemas.operations import CacheIn, CacheInvalidatedOut, CacheOut
from core.requests import reuse, savings
from core.requests.reuse import Which
from core.runtime import shared_clock

router = APIRouter(prefix="/internal/cache", tags=["internal"])
PERIOD_DAYS = 30


def _status() -> dict[str, Any]:
    health = reuse.health()
    found = savings.read(shared_clock.now() - timedelta(days=PERIOD_DAYS))
    memory = reuse.memory
    return {
        "status": "healthy" if health.healthy else "unhealthy",
        "message": health.message,
        "memory": {"entries": memory.size, "most_entries": memory.most, "hits": memory.hits},
        "answers": found.answers,
        "bytes": found.bytes,
        "period_days": PERIOD_DAYS,
        "hits": found.hits,
        "misses": found.misses,
        "hit_rate": found.hit_rate,
        "saved_usd": found.saved_usd,
        "saved_unpriced": found.saved_unpriced,
    }


@router.get("/status", response_model=CacheOut)
def status() -> Any:
    """How often answers were reused in the last `period_days`, and the cost that this saved. `memory` is this process's
    alone."""
    return _status()


@router.post("/invalidate", response_model=CacheInvalidatedOut)
def invalidate(body: CacheIn) -> Any:
    """Answers that match all given conditions are not reused any more. They are not deleted."""
    before = None
    if body.older_than_days is not None:
        before = shared_clock.now() - timedelta(days=body.older_than_days)
    done = reuse.invalidate(Which(body.template, body.model, body.collection, before, body.everything))
    return {"invalidated": done, **_status()}
