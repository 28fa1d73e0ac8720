"""What calls do when a provider fails: values in force, their sources, presets, own figures, and previews."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from core import presets
from core.calls import resilience
from core.calls.resilience import FOR_ALL, Snapshot
from core.environment import get_settings
from core.presets import Config, FieldError
from core.settings import store
from pages.common import failures, formats
from pages.words import resilience as words


def show(operations: Mapping[str, str]) -> None:
    found = resilience.snapshot()
    if found.settings.resilience_locked:
        st.info(
            "Read only: whoever runs Cairn has set RESILIENCE_LOCKED in its environment, and that is in force.",
            icon=":material/lock:",
        )
    st.caption(
        "A call that fails for a moment is made again after a wait. When a model fails several times in a row, its "
        "breaker opens: it is left alone for a while, and its work waits without failing."
    )
    operation = _scope(operations)
    _in_force(found, operation)
    _cards(found, operation)
    _figures(found, operation)
    if not found.locked:
        with st.expander("Set the figures yourself", icon=":material/tune:"):
            _own_figures(found, operation)


def _scope(operations: Mapping[str, str]) -> str | None:
    scopes = {"": "All operations", **operations}
    chosen = st.selectbox(
        "For",
        list(scopes),
        format_func=scopes.__getitem__,
        key="operation",
        bind="query-params",
        width=360,
    )
    own = [name for one, name in operations.items() if _name(one) in store.values()]
    if own:
        st.caption(f"With values of their own: {formats.plain(', '.join(own))}.")
    return chosen or None


def _in_force(found: Snapshot, operation: str | None) -> None:
    now = found.of(operation)
    sentence, figure = words.effects(now.config)[0]
    st.markdown(f"In force: {sentence.format(f'**{figure}**')}.")
    if _name(operation) in store.values() and not found.locked:
        below = "what holds for all operations" if operation else "the environment"
        if st.button(f"Go back to {below}", icon=":material/undo:"):
            _preview(None, operation)


def _figures(found: Snapshot, operation: str | None) -> None:
    now = found.of(operation)
    rows = [
        (label, f"{value:g}" if isinstance(value, float) else str(value), words.SOURCES[now.sources[name]])
        for (name, label), value in zip(words.NAMES.items(), asdict(now.config).values(), strict=True)
    ]
    with st.expander("All figures in force, and where they come from", icon=":material/list:"):
        st.dataframe(pd.DataFrame(rows, columns=["What", "In force", "From"]), hide_index=True)


def _name(operation: str | None) -> str:
    return f"{FOR_ALL}:{operation}" if operation else FOR_ALL


def _cards(found: Snapshot, operation: str | None) -> None:
    now = found.of(operation).config
    environment = get_settings().environment
    recommended, reason = presets.recommend(environment)
    if now != presets.PRESETS[recommended] and not found.locked:
        named = formats.plain(recommended)
        st.caption(f"**{named}** is suggested, and not in force until you choose it. {_why(environment, reason)}")
    with st.grid(3, min_column_width=260):
        for name, config in presets.PRESETS.items():
            with st.container(border=True, height="stretch"):
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.markdown(f"**{name}**")
                    if config == now:
                        st.badge("in force", color="green")
                    if name == recommended:
                        st.badge("suggested", color="blue", help=_why(environment, reason))
                st.caption(f"{presets.PRESET_WORDS[name]} {formats.plain(config.strategy.capitalize())}.")
                st.markdown("\n".join(f"- {line}" for line in words.compared(config, now)))
                if not found.locked and config != now and st.button(f"Use {name}", key=f"use-{name}"):
                    _preview({"preset": name}, operation)


def _why(environment: str, reason: str) -> formats.Markdown:
    return f"ENVIRONMENT is {formats.plain(environment)}: {formats.plain(reason)}."


def _below(found: Snapshot, operation: str | None) -> Config:
    return (found.for_all if operation else found.environment).config


@failures.dialog("What this changes")
def _preview(choice: dict[str, Any] | None, operation: str | None) -> None:
    found = resilience.snapshot()
    config = _below(found, operation) if choice is None else resilience.check(choice, operation)[0]
    assert config is not None
    lines = words.compared(config, found.of(operation).config)
    st.markdown("\n".join(f"- {line}" for line in lines))
    whom = "calls of this operation" if operation else "calls of all operations without values of their own"
    st.caption(f"For {whom}, in every process within two seconds. It can be undone.")

    def save() -> None:
        failures.attempt(lambda: resilience.change(choice, operation), "Saved.")

    if st.button("Save", type="primary", on_click=save):
        st.rerun()


def _own_figures(found: Snapshot, operation: str | None) -> None:
    now = found.of(operation).config
    way = st.segmented_control("Enter as", ["Form", "JSON"], default="Form", required=True, key="own-way")
    # The keys change with what is in force, so that the fields begin with it.
    key = f"own-{operation}-{hash(now)}"
    custom, errors = _form(now, _below(found, operation), key) if way == "Form" else _json(key)
    if not errors:
        config, errors = presets.validate(custom, _below(found, operation))
    for wrong in errors:
        label = words.NAMES.get(wrong.field, wrong.field)
        st.error(f"**{formats.plain(label)}** {formats.plain(wrong.message)}.", icon=":material/error:")
    if not errors and config is not None:
        st.markdown("\n".join(f"- {line}" for line in words.compared(config, now)))
    same = not errors and config == now
    if st.button("Preview and save", disabled=bool(errors) or same, key="own-save"):
        _preview({"custom": custom} if custom else None, operation)


def _form(now: Config, below: Config, key: str) -> tuple[dict[str, Any], list[FieldError]]:
    """Only figures that differ from the layer below are set. The others keep following that layer."""
    strategies = list(presets.STRATEGIES)
    strategy = st.selectbox(
        words.NAMES["strategy"],
        strategies,
        index=strategies.index(now.strategy),
        format_func=lambda one: f"{one}: {presets.STRATEGY_WORDS[one]}",
        key=f"{key}-strategy",
    )
    named = {"strategy": strategy} if strategy != below.strategy else {}
    base = asdict(presets.over(below, presets.chosen(named)[0]))
    begin = asdict(now) if strategy == now.strategy else {**asdict(now), **presets.STRATEGIES[strategy]}
    entered: dict[str, Any] = {**named}
    with st.grid(2, min_column_width=240):
        for name, bounds in presets.BOUNDS.items():
            kind = int if bounds.whole else float
            value = st.number_input(
                words.NAMES[name],
                value=kind(begin[name]),
                step=1 if bounds.whole else 0.5,
                help=f"{bounds.least:g} to {bounds.most:g}. Of the layer below: {base[name]:g}.",
                key=f"{key}-{strategy}-{name}",
            )
            if value != base[name]:
                entered[name] = value
    return entered, []


def _json(key: str) -> tuple[Any, list[FieldError]]:
    text = st.text_area(
        "The figures as JSON",
        '{"retry_attempts": 4, "circuit_breaker_threshold": 8}',
        help="Names of the older scheme are read, too.",
        key=f"{key}-json",
    )
    try:
        return json.loads(text), []
    except ValueError as error:
        return None, [FieldError("JSON", f"cannot be read: {error}")]
