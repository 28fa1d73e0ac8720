"""How much of a document is in its text, as filters name it."""

from core.documents.report import WithWarnings

IN_TEXT: dict[WithWarnings, str] = {"true": "in part", "false": "all of it", "unknown": "not known"}
