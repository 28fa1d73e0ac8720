"""What several pages show in the same way."""

import functools
import html
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NoReturn, Protocol

import streamlit as st
import structlog

from core.errors import CairnError
from core.runtime import correlation, shared_clock

PROVIDERS = {"openai": "OpenAI", "anthropic": "Anthropic", "offline": "Offline engine (no language model)"}
STATE_COLOURS = {
    "draft": "gray",
    "queued": "gray",
    "pending": "gray",
    "extracting": "blue",
    "running": "blue",
    "in_flight": "blue",
    "cancelling": "orange",
    "cancelled": "orange",
    "paused": "orange",
    "ready": "green",
    "completed": "green",
    "succeeded": "green",
    "failed": "red",
    "new": "blue",
    "confirmed": "green",
    "dismissed": "gray",
}
log = structlog.get_logger()
ERRORS_STAY = timedelta(seconds=20)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


def plain(text: str) -> str:
    """Text of documents and models as Markdown shows it literally: it must never decide what is rendered."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def money(amount: Decimal | None) -> str:
    """USD, to the cent; less than that with two digits. A call that could not be priced is not free."""
    if amount is None:
        return "not priced"
    if amount and abs(amount) < Decimal("0.01"):
        return f"${Decimal(f'{amount:.2g}'):f}"
    return f"${amount:,.2f}"


def money_of(cost: Decimal | None, unpriced: int) -> str:
    """The cost of many calls: without a single price it is not known, and never 0."""
    return money(None if unpriced and not cost else cost)


def ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    seconds = max(0, int((now - moment).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def lasted(begun: datetime, ended: datetime) -> str:
    return span((ended - begun).total_seconds())


def span(seconds: float) -> str:
    """How long, in its largest unit and, from an hour on, the next one."""
    seconds = max(0, int(seconds))
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def until(moment: datetime, now: datetime) -> str:
    return f"in {lasted(now, moment)}" if moment >= now + timedelta(seconds=1) else "any moment now"


def count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or f'{noun}s'}"


def utc_now() -> datetime:
    return shared_clock.now()


def state_badge(state: str) -> None:
    st.badge(state.replace("_", " "), color=STATE_COLOURS.get(state, "gray"))  # type: ignore[arg-type]


def tiles() -> AbstractContextManager[object]:
    """Figures in equal tiles, four in a row or as many as there is room for."""
    return st.grid(4, min_column_width=170)


def figure(label: str, number: int, note: str | None = None) -> None:
    """A tile with a count, and a grey word on it."""
    st.metric(label, f"{number:,}", note, delta_color="off", delta_arrow="off", border=True, height="stretch")


def size(bytes_: int) -> str:
    return f"{bytes_ / 1_048_576:,.1f} MB" if bytes_ >= 1_048_576 else f"{max(bytes_ / 1024, 0.1):,.1f} KB"


def go(page: str, /, **query: str) -> NoReturn:
    """To another page. Without a query, even an empty one, Streamlit does not leave a page with filters in its link."""
    st.switch_page(page, query_params=query)


def link(label: str, page: str, icon: str | None = None, /, **query: str) -> None:
    """To another page by a click alone: a real link, which opens in a new tab, too."""
    st.page_link(page, label=label, icon=icon, query_params=query)


def came_by(label: str, page: str, /, **query: str | None) -> None:
    """Note that this page is open, with its filters. The browser's own Back loses filters that stand in the link:
    Streamlit makes two steps of leaving them."""
    st.session_state["came_by"] = label, page, {name: value for name, value in query.items() if value}


def back_link(label: str, page: str) -> None:
    """To the page that was open before, as it was; to the given one for who came by a link."""
    label, page, query = st.session_state.get("came_by", (label, page, {}))
    link(label, page, ":material/arrow_back:", **query)


def analyse(*, documents: list[str] | None = None, collection: str | None = None) -> NoReturn:
    """Go to the Analyse page with these chosen; its widgets of these keys take them over."""
    if documents is not None:
        st.session_state["ask_documents"] = documents
    if collection is not None:
        st.session_state["ask_in"] = collection
    go("analyse.py")


def lines(key: str) -> AbstractContextManager[object]:
    """For links and buttons that are whole sentences: from the left, and not cut off at the end of the line."""
    style = f"""<style>
      .st-key-{key} :is(a, button), .st-key-{key} :is(a, button) * {{justify-content: flex-start; text-align: left}}
      .st-key-{key} :is(a, button) * {{white-space: normal; overflow: visible; line-height: 1.4}}
      .st-key-{key} a {{height: auto; padding-block: 0.4rem}}
    </style>"""
    st.html(style)
    return st.container(key=key, gap="xsmall")


def rows_key(name: str, rows: Sequence[_HasId]) -> str:
    """The key of a grid: a selection counts rows, so it must end where other rows stand there."""
    return f"{name}-{hash(tuple(row.id for row in rows))}"


def empty(what: str, page: str, label: str) -> None:
    """An empty state: what this page is for, and one way on."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(what, text_alignment="center")
        if st.button(label, type="primary", key=f"empty-{page}"):
            go(page)


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
        st.caption(f"Reference: {plain(reference)}")


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
    st.session_state["told"] = (kind, message, utc_now() + ERRORS_STAY, correlation.current() or "")


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
    kind, message, until, reference = st.session_state.get("told", ("", "", utc_now(), ""))
    if kind == "success":
        del st.session_state["told"]
        st.toast(message, icon=":material/check_circle:")
    elif kind == "error" and utc_now() < until:
        show_error(message, reference)


def highlighted(text: str, start: int | None, end: int | None) -> None:
    """Document text, escaped, with one span marked."""
    if start is None or end is None:
        inner = html.escape(text)
    else:
        inner = (
            f"{html.escape(text[:start])}<mark style='background:#ffe08a;color:#111;padding:0 .1em'>"
            f"{html.escape(text[start:end])}</mark>{html.escape(text[end:])}"
        )
    style = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.55;font-size:.95rem;max-width:80ch"
    st.html(f"<div data-testid='document-text' style='{style}'>{inner}</div>")
