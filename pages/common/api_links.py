"""Links from a page to a file of the API: signed for whoever sees the page, where somebody is asked who they are."""

from urllib.parse import urlencode

from core.access import actor, keys, links
from core.environment import get_settings
from core.runtime import workspace
from pages.common import formats


def link(address: str) -> str:
    """`address`: of a route, without /api/v1/. The workspace is left out where the API would take it anyway."""
    here, mine = workspace.current(), actor.caller().workspaces
    if not (here in ("", workspace.DEFAULT) or (mine is not None and len(mine) == 1)):
        address = _with(address, "in_workspace", here)
    if get_settings().sign_in != "none" or keys.are_there():
        address = _with(address, links.NAME, links.signature(f"/{address}", formats.utc_now()))
    return f"api/v1/{address}"


def _with(address: str, name: str, value: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode({name: value})}"
