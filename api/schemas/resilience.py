"""Resilience presets and values in force."""

from typing import Any, Literal

from pydantic import BaseModel

from api.schemas.shared import In


class ConfigOut(BaseModel):
    retry_attempts: int
    circuit_breaker_threshold: int
    recovery_timeout_s: float
    strategy: Literal["aggressive", "balanced", "conservative"]
    backoff_base_s: float
    backoff_factor: float
    backoff_cap_s: float
    deadline_s: float


class InForceOut(BaseModel):
    """`sources` gives each value's source: default, environment, all (stored for all operations) or operation."""

    config: ConfigOut
    sources: dict[str, Literal["default", "environment", "all", "operation"]]
    gives_up_after_s: float


class OperationInForceOut(InForceOut):
    operation: str


class ResilienceOut(InForceOut):
    locked: bool
    operations: list[OperationInForceOut]


class PresetOut(BaseModel):
    name: str
    description: str
    config: ConfigOut
    gives_up_after_s: float


class RecommendedOut(PresetOut):
    environment: str
    reason: str


class ChoiceIn(In):
    """A preset's name, or own values, which are checked one by one."""

    preset: Any = None
    custom: Any = None

    def choice(self) -> dict[str, Any]:
        return self.model_dump(include={"preset", "custom"}, exclude_none=True)


class OperationChoiceIn(ChoiceIn):
    operation: str | None = None


class FieldErrorOut(BaseModel):
    field: str
    message: str


class ValidatedOut(BaseModel):
    valid: bool
    errors: list[FieldErrorOut]
    config: ConfigOut | None
