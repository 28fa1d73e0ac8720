"""Query parameters that a route does not know are refused: a filter with a slip in its name would filter nothing."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant

from core.errors import InvalidInput


async def known_parameters(request: Request) -> None:
    """A dependency of a router."""
    known = set(_names(request.scope["route"].dependant))
    if unknown := sorted(set(request.query_params) - known):
        raise InvalidInput(f"There is no parameter {unknown[0][:100]!r} here. There are {', '.join(sorted(known))}.")


def _names(of: Dependant) -> Iterator[str]:
    yield from (field.alias for field in of.query_params)
    for one in of.dependencies:
        yield from _names(one)
