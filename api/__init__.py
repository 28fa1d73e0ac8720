"""The door for programs: one FastAPI app, mounted under /api/v1. Thin: the use cases in core do the work."""

from api.application import api

__all__ = ["api"]
