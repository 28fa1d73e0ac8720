"""The languages that answers can be asked for in. Their names stand in prompts, so there are no others."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, WithJsonSchema

Name = Literal[
    "English",
    "German",
    "French",
    "Spanish",
    "Italian",
    "Portuguese",
    "Dutch",
    "Danish",
    "Swedish",
    "Norwegian",
    "Finnish",
    "Polish",
    "Czech",
    "Hungarian",
    "Romanian",
    "Greek",
    "Turkish",
    "Ukrainian",
    "Russian",
    "Arabic",
    "Hebrew",
    "Hindi",
    "Chinese",
    "Japanese",
    "Korean",
]
NAMES: tuple[str, ...] = get_args(Name)
CODES = "en de fr es it pt nl da sv no fi pl cs hu ro el tr uk ru ar he hi zh ja ko".split()
OF_THE_DOCUMENT = "document"


def code_of(name: str | None) -> str | None:
    """ISO 639-1 of a name; None for the document's language."""
    return CODES[NAMES.index(name)] if name in NAMES else None


def named(given: Any) -> Any:
    """The name in its one spelling; None for the document's language. An unknown value is returned as it is."""
    if not isinstance(given, str):
        return given
    wanted = given.strip().casefold()
    if wanted in ("", OF_THE_DOCUMENT):
        return None
    return next((name for name in NAMES if name.casefold() == wanted), given)


Language = Annotated[
    Name | None, BeforeValidator(named), WithJsonSchema({"type": "string", "enum": [OF_THE_DOCUMENT, *NAMES]})
]
