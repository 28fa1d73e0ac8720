"""Templates."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.shared import In


class FieldIn(In):
    name: str
    type: Literal["string", "number", "integer", "boolean", "list", "choice"]
    description: str = ""
    choices: list[str] = Field(default_factory=list)
    required: bool = True
    quote: bool = Field(False, description="Also ask for the passage that the value was taken from")


class TemplateIn(In):
    name: str
    prompt: str
    fields: list[FieldIn] = Field(default_factory=list)
    insights: bool = False


class TemplateOut(BaseModel):
    id: str
    name: str
    description: str
    version: int
    built_in: bool
    prompt: str
    fields: list[FieldIn]
    insights: bool
    params_schema: dict[str, Any]
