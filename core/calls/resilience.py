"""Which resilience values are in force for the calls of each operation, and where each value comes from.

Each layer overrides those before it: the default, the environment, the values stored for all operations, the values
stored for this one. If the environment locks them, stored values are ignored.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

import structlog

from core import presets
from core.environment import Settings, get_settings
from core.errors import Conflict, InvalidInput
from core.presets import Config, FieldError, Values
from core.runtime import db
from core.settings import store

log = structlog.get_logger()
FOR_ALL = "resilience"
Layer = Literal["default", "environment", "all", "operation"]


@dataclass(frozen=True)
class InForce:
    config: Config
    sources: Mapping[str, Layer]


@dataclass(frozen=True)
class Snapshot:
    """`operations` holds those with values of their own. It was made from `settings` and `stored`."""

    settings: Settings
    stored: Mapping[str, store.Value]
    locked: bool
    environment: InForce
    for_all: InForce
    operations: Mapping[str, InForce]

    def of(self, operation: str | None) -> InForce:
        return self.operations.get(operation, self.for_all) if operation else self.for_all


_snapshot: Snapshot | None = None


def snapshot() -> Snapshot:
    """From memory; made anew when the environment or a stored setting has changed."""
    global _snapshot
    settings, values = get_settings(), store.values()
    current = _snapshot
    if current is None or current.settings is not settings or current.stored is not values:
        current = _snapshot = _resolve(settings, values)
    return current


def config_for(operation: str | None) -> Config:
    """What is in force for calls of this template, or with None for custom requests."""
    return snapshot().of(operation).config


def _resolve(settings: Settings, values: Mapping[str, store.Value]) -> Snapshot:
    environment = InForce(presets.PRESETS["simple"], dict.fromkeys(presets.FIELDS, "default"))
    environment = _layer(environment, settings.resilience_values(), "environment")
    locked = settings.resilience_locked or settings.settings_locked
    counted = {} if locked else {name: found for name, value in values.items() if (found := _values(name, value))}
    for_all = _layer(environment, counted.get(FOR_ALL, {}), "all")
    operations = {
        operation: _layer(for_all, found, "operation")
        for name, found in counted.items()
        if (operation := name.removeprefix(f"{FOR_ALL}:")) != name
    }
    return Snapshot(settings, values, locked, environment, for_all, MappingProxyType(operations))


def _layer(below: InForce, values: Values, source: Layer) -> InForce:
    sources = {**below.sources, **dict.fromkeys(values, source)}
    return InForce(presets.over(below.config, values), MappingProxyType(sources))


def _values(name: str, choice: store.Value) -> Values:
    """What a stored choice sets; nothing, with a warning in the log, if this version cannot read it."""
    if not is_ours(name):
        return {}
    config, errors = presets.preset(choice["preset"]) if "preset" in choice else (None, [])
    if config is not None:
        return asdict(config)
    values, wrong = presets.chosen(choice.get("custom"))
    if errors or wrong:
        log.warning("a stored setting cannot be read; it does not count", setting=name)
        return {}
    return values


def is_ours(name: str) -> bool:
    return name.partition(":")[0] == FOR_ALL


def check(choice: Mapping[str, Any], operation: str | None = None) -> tuple[Config | None, list[FieldError]]:
    """What a choice, `{"preset": name}` or `{"custom": {...}}`, would put in force; or None and its errors."""
    if {*choice} == {"preset"}:
        return presets.preset(choice["preset"])
    if {*choice} == {"custom"}:
        found = snapshot()
        return presets.validate(choice["custom"], (found.for_all if operation else found.environment).config)
    return None, [FieldError("preset", "give either preset or custom")]


def change(choice: Mapping[str, Any] | None, operation: str | None = None) -> None:
    """Put a choice in force for one operation, or for all; None removes what was stored.

    Raises InvalidInput, or Conflict if the environment locks these settings.
    """
    _check_unlocked()
    if choice is not None:
        config, errors = check(choice, operation)
        if config is None:
            raise refused(errors)
    with db.transaction() as session:
        known = "SELECT 1 FROM template WHERE id = :id AND (built_in OR workspace_id = :workspace)"
        if operation is not None and db.scalar(session, known, id=operation) is None:
            raise InvalidInput(f"There is no operation {operation!r}. Operations are the ids of templates.")
        store.put(session, FOR_ALL if operation is None else f"{FOR_ALL}:{operation}", choice)
    store.load()


def undo(entry_id: int) -> None:
    """Undo the newest change of any setting. Raises NotFound or Conflict as `store.undo`, and Conflict for a resilience
    setting that the environment locks."""
    with db.transaction() as session:
        name = store.undo(session, entry_id)
        if is_ours(name):
            _check_unlocked()
    store.load()


def _check_unlocked() -> None:
    if get_settings().resilience_locked:
        raise Conflict("These settings are locked by the environment. Take RESILIENCE_LOCKED away to change them here.")


def refused(errors: list[FieldError]) -> InvalidInput:
    error = InvalidInput("; ".join(f"{wrong.field} {wrong.message}" for wrong in errors) + ".")
    error.detail = [asdict(wrong) for wrong in errors]
    return error
