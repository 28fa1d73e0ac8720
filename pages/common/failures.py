"""Errors on pages: shown with what to do next and a reference, and never as a traceback."""

import functools
from collections.abc import Callable
from datetime import timedelta

import streamlit as st
import structlog

from core.errors import CairnError
from core.runtime import correlation
from pages.common import formats

log = structlog.get_logger()
ERRORS_STAY = timedelta(seconds=20)


def guarded(run: Callable[[], None], *, again_by_itself: bool = False) -> None:
    """Run a page or a part of one; what Cairn can explain is shown with a reference that the log has, too."""
    try:
        run()
    except CairnError as error:
        again = " This part tries again by itself." if error.retryable and again_by_itself else ""
        show_failure(f"{error.message}{again}", error.code)
        if error.retryable and not again_by_itself:
            st.button("Try again", key=f"again-{getattr(run, '__name__', '')}")


def unexpected(_error: Exception) -> bool:
    """For `st.App`: what nobody foresaw, in words of ours. Streamlit has logged it; True: it shows nothing itself."""
    show_failure(
        "Something went wrong that Cairn did not expect. Reload the page; if it happens again, tell those who run "
        "Cairn this reference: their log says what it was.",
        "INTERNAL_ERROR",
    )
    return True


def show_failure(message: str, code: str) -> None:
    """What went wrong, and under which id the log tells of it."""
    reference = correlation.current() or correlation.new()
    log.warning("page failed", code=code, correlation_id=reference)
    show_error(message, reference)


def show_error(message: str, reference: str | None) -> None:
    """What went wrong, in words of ours, with the id under which the log tells more."""
    st.error(message, icon=":material/error:")
    show_reference(reference)


def show_reference(reference: str | None) -> None:
    if reference:
        st.caption(f"Reference: {formats.plain(reference)}")


def live(run_every: float | None) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """A fragment that runs again by itself. Streamlit keeps its exceptions from the entry script, so it has a guard."""

    def decorate(part: Callable[[], None]) -> Callable[[], None]:
        @st.fragment(run_every=run_every)
        @functools.wraps(part)
        def run() -> None:
            correlation.begin(correlation.new())
            guarded(part, again_by_itself=run_every is not None)

        return run

    return decorate


def tell(message: str, *, success: bool = True) -> None:
    """Show a message at the top of the next run."""
    kind = "success" if success else "error"
    st.session_state["told"] = (kind, message, formats.utc_now() + ERRORS_STAY, correlation.current() or "")


def attempt(action: Callable[[], object], success: str = "") -> None:
    """Run an action of the page, under an id of its own; a failure is shown in the user's words and changes nothing."""
    correlation.begin(correlation.new())
    try:
        action()
    except CairnError as error:
        log.warning("action failed", code=error.code)
        tell(error.message, success=False)
    else:
        if success:
            tell(success)


def show_told() -> None:
    """What the last action came to: a success passes by, a failure stays long enough to be read."""
    kind, message, until, reference = st.session_state.get("told", ("", "", formats.utc_now(), ""))
    if kind == "success":
        del st.session_state["told"]
        st.toast(message, icon=":material/check_circle:")
    elif kind == "error" and formats.utc_now() < until:
        show_error(message, reference)
