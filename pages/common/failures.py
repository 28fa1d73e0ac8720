"""Errors on pages: shown with what to do next and a reference, never as a traceback.

What runs a page, a part of it, a dialog or a callback stands here, and asks who it is for.
"""

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, ParamSpec

import streamlit as st
import structlog

from core.access import elsewhere, refusals
from core.errors import CairnError, Forbidden, Unauthorized
from core.runtime import correlation, db
from pages.common import entering, formats
from pages.common.entering import acting

log = structlog.get_logger()
Passed = ParamSpec("Passed")
ERRORS_STAY = timedelta(seconds=20)


def guarded(run: Callable[[], None], *, again_by_itself: bool = False) -> None:
    """Run a page or a part of one for whoever asks, its reports in one transaction. A CairnError is shown with the
    reference under which it is logged; whoever is no longer let in sees the page that says so."""
    try:
        with db.together(), acting():
            run()
    except (Unauthorized, entering.NoWorkspace):
        st.rerun()
    except CairnError as error:
        again = " This part tries again by itself." if error.retryable and again_by_itself else ""
        show_failure(f"{error.message}{again}", error.code)
        if error.retryable and not again_by_itself:
            st.button("Try again", key=f"again-{_name(run)}")


def offer_workspace(id_: str) -> None:
    """Where what the link names lies in another workspace of whoever asks."""
    found = elsewhere.holder(id_)
    if found is None:
        return
    st.info(f"This is in the workspace {formats.plain(found.name)}, and another one is open.")
    choose = functools.partial(entering.choose, found.id)
    st.button("Open that workspace", type="primary", on_click=attempt, args=(choose,))


def _name(run: Callable[[], None]) -> str:
    return getattr(getattr(run, "func", run), "__name__", "")


def unexpected(_error: Exception) -> bool:
    """For `st.App`: show an exception that no code expected. Streamlit logged it; True keeps it from showing it too."""
    show_failure(
        "Something went wrong that Cairn did not expect. Reload the page; if it happens again, tell those who run "
        "Cairn this reference: their log says what it was.",
        "INTERNAL_ERROR",
    )
    return True


def show_failure(message: str, code: str) -> None:
    """Show an error, in plain words, and log it under the reference that is shown."""
    reference = correlation.current() or correlation.new()
    log.warning("page failed", code=code, correlation_id=reference)
    show_error(message, reference)


def show_error(message: str, reference: str | None) -> None:
    """Show an error with the correlation id under which the log has more."""
    st.error(formats.plain(message), icon=":material/error:")
    show_reference(reference)


def show_reference(reference: str | None) -> None:
    if reference:
        st.caption(f"Reference: {formats.plain(reference)}")


def live(run_every: float | None) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Make a fragment that runs again every `run_every` seconds (None: never). It has a guard of its own, because
    Streamlit does not pass a fragment's exceptions to the entry script."""

    def decorate(part: Callable[[], None]) -> Callable[[], None]:
        @st.fragment(run_every=run_every)
        @functools.wraps(part)
        def run() -> None:
            correlation.begin(correlation.new())
            guarded(part, again_by_itself=run_every is not None)

        return run

    return decorate


def part(body: Callable[Passed, None]) -> Callable[Passed, None]:
    """A fragment that runs again only when something in it is pressed."""

    @functools.wraps(body)
    def run(*args: Passed.args, **kwargs: Passed.kwargs) -> None:
        correlation.begin(correlation.new())
        guarded(functools.partial(body, *args, **kwargs))

    made: Callable[Passed, None] = st.fragment(run)
    return made


def dialog(title: formats.Markdown, /, **given: Any) -> Callable[[Callable[Passed, None]], Callable[Passed, None]]:
    """`st.dialog` for whoever asks: what is pressed in it runs it alone."""

    def decorate(body: Callable[Passed, None]) -> Callable[Passed, None]:
        @functools.wraps(body)
        def run(*args: Passed.args, **kwargs: Passed.kwargs) -> None:
            guarded(functools.partial(body, *args, **kwargs))

        opened: Callable[Passed, None] = st.dialog(title, **given)(run)
        return opened

    return decorate


def notify(message: str, kind: Literal["success", "warning", "error"] = "success") -> None:
    """Show a message at the top of the page's next run. A "warning" tells of what was not done, for a reason that it
    gives, and an "error" of what failed."""
    st.session_state["notice"] = (kind, message, formats.utc_now() + ERRORS_STAY, correlation.current() or "")


def attempt(action: Callable[[], object], success: str = "") -> None:
    """Run an action of the page under a correlation id of its own. A CairnError is shown in the page's next run."""
    if refused := refusal(action):
        notify(refused, "error")
    elif success:
        notify(success)


def refusal(action: Callable[[], object]) -> str:
    """Run an action under a correlation id of its own. Returns why it was refused, "" if it was not."""
    correlation.begin(correlation.new())
    try:
        with acting():
            _recorded(action)
    except CairnError as error:
        log.warning("action failed", code=error.code)
        return error.message
    return ""


def _recorded(action: Callable[[], object]) -> None:
    """A role that does not do stands in the audit, once a minute."""
    try:
        action()
    except Forbidden as error:
        refusals.note(error.action, "pages", formats.utc_now())
        raise


def show_notice() -> None:
    """Show the outcome of the last action: a success as a toast, a failure for ERRORS_STAY."""
    kind, message, until, reference = st.session_state.get("notice", ("", "", formats.utc_now(), ""))
    if kind == "success":
        del st.session_state["notice"]
        st.toast(formats.plain(message), icon=":material/check_circle:")
    elif kind == "warning" and formats.utc_now() < until:
        st.warning(formats.plain(message), icon=":material/info:")
    elif kind == "error" and formats.utc_now() < until:
        show_error(message, reference)
