"""Every component and supervised process of Cairn, a line each: whether it is well, and what to do if not."""

from collections.abc import Iterator
from datetime import datetime

import streamlit as st

from core import boot
from core.calls import clients
from core.environment import get_settings
from core.health.components import Component
from core.health.readings import ACCESS, PROVIDER
from core.settings import provider_rows
from pages.common import formats
from pages.words import health

# From this share of failed calls on, a provider that still works is shown to be watched.
WATCHED = 0.02
ICONS = {True: ":green[:material/check_circle:]", False: ":red[:material/error:]", None: ":gray[:material/remove:]"}


def show(found: list[Component], moment: datetime) -> None:
    summary(found)
    lines = [*(_component(one, moment) for one in found), *_not_set_up(found), *_processes(moment)]
    st.markdown("\n\n".join(lines))


def _line(
    well: bool | None, name: str, text: str, since: formats.Markdown = "", *, watch: bool = False
) -> formats.Markdown:
    """`well` is None for what is switched off or not known."""
    icon = ":orange[:material/warning:]" if watch else ICONS[well]
    return f"{icon} **{formats.plain(name)}** · {formats.plain(text)}{f' :gray[· {since}]' if since else ''}"


def _component(one: Component, moment: datetime) -> formats.Markdown:
    since = f"for {formats.lasted(one.since, moment)}" if one.since and one.healthy is not None else ""
    open_to_all = one.name == ACCESS and get_settings().open_access
    watch = to_watch(one) or open_to_all or one.name == "rights"
    return _line(one.healthy, health.name(one.name), one.message, since, watch=watch)


def to_watch(one: Component) -> bool:
    """It works, and some of its calls fail."""
    return one.healthy is True and one.figures.get("error_share", 0) >= WATCHED


def _not_set_up(found: list[Component]) -> Iterator[formats.Markdown]:
    """Providers without a health sample. Nobody needs all providers: one that is not set up is no fault."""
    known = {one.name for one in found}
    for name in provider_rows.names():
        if f"{PROVIDER}{name}" not in known:
            there = True if name in clients.configured() else None
            key = "not set up; to use it, set its key on the Settings page"
            yield _line(there, health.name(f"{PROVIDER}{name}"), "set up" if there else key)


def _processes(moment: datetime) -> Iterator[formats.Markdown]:
    """The processes that this web process supervises. Known without the database."""
    for child in boot.children():
        running = "running" if child.since else f"down: {child.last_exit}; it is started again by itself"
        again = f", started again {formats.count(child.restarts, 'time')}" if child.restarts else ""
        since = f"for {formats.lasted(child.since, moment)}" if child.since else ""
        yield _line(child.since is not None, f"Process {child.name}", running + again, since)


def summary(found: list[Component]) -> None:
    red = sum(one.healthy is False for one in found) + sum(child.since is None for child in boot.children())
    if red:
        st.markdown(f":red-badge[:material/error: {formats.count(red, 'part needs', 'parts need')} attention]")
    elif any(one.healthy is None for one in found):
        st.markdown(":orange-badge[:material/help: Not everything is known at the moment]")
    elif watched := [health.name(one.name) for one in found if to_watch(one)]:
        names = formats.plain(", ".join(watched))
        st.markdown(f":orange-badge[:material/warning: All works, but calls fail: {names}]")
    else:
        st.markdown(":green-badge[:material/check_circle: All is well]")
