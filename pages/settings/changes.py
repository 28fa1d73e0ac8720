"""Who changed which setting, newest first; the newest change of each can be undone."""

from collections.abc import Mapping

import streamlit as st

from core.calls import resilience
from core.environment import get_settings
from core.settings import store
from core.settings.store import SettingChange
from pages.common import failures, formats
from pages.words import settings

AT_ONCE = 30


def show(operations: Mapping[str, str]) -> None:
    limit = st.session_state.setdefault("changes-shown", AT_ONCE)
    found = store.history(limit + 1)
    if not found:
        st.caption("Nothing was changed here yet. Every change will be listed.")
    else:
        st.caption(
            "The newest change of each setting can be undone. A key that was replaced or removed is not kept: to have "
            "it back, enter it again."
        )
    newest: set[str] = set()
    for change in found[:limit]:
        _line(change, operations, undoable=change.name not in newest)
        newest.add(change.name)
    if len(found) > limit:
        st.button("Show older ones", on_click=_older)


def _older() -> None:
    st.session_state["changes-shown"] += AT_ONCE


def _line(change: SettingChange, operations: Mapping[str, str], *, undoable: bool) -> None:
    about = formats.plain(settings.setting(change.name, operations))
    before, after = (formats.plain(settings.choice(change.name, of)) for of in (change.before, change.after))
    secret = store.is_secret(change.name)
    done = "removed" if change.action.endswith(".remove") else "replaced" if change.before is not None else "set"
    what = done if secret else f"{before} → {after}"
    how = "undone" if change.action.endswith(".undo") else "changed"
    when = formats.plain(
        " · ".join(
            filter(
                None,
                (
                    f"{how} {formats.ago(change.time, formats.utc_now())}",
                    change.user or settings.DOORS.get(change.door, ""),
                ),
            )
        )
    )
    locked = get_settings().settings_locked or (resilience.is_ours(change.name) and resilience.snapshot().locked)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{about}** {what} :gray[· {when}]",
            help=formats.exact(change.time),
            width="content",
        )
        if undoable and not locked and not secret:
            st.button(
                "Undo",
                key=f"undo-{change.id}",
                type="tertiary",
                help=f"Puts back: {before}",
                on_click=_undo,
                args=(change.id,),
            )


def _undo(entry: int) -> None:
    failures.attempt(lambda: resilience.undo(entry), "Put back.")
