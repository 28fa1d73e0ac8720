"""Links from a page to a file of the API, which asks who the browser is signed in as."""

from urllib.parse import urlencode

from core.access import actor
from core.runtime import workspace


def link(address: str) -> str:
    """`address`: of a route, without /api/v1/. The workspace is left out where the API would take it anyway."""
    here, mine = workspace.current(), actor.caller().workspaces
    if here in ("", workspace.DEFAULT) or (mine is not None and len(mine) == 1):
        return f"api/v1/{address}"
    return f"api/v1/{address}{'&' if '?' in address else '?'}{urlencode({'in_workspace': here})}"
