"""The invoice check: what the provider says that it charged, against our sums, by day and model."""

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from decimal import Decimal

import streamlit as st

from core.invoices import drift, fetching, report, repricing, uploading
from core.invoices.drift import VERDICTS, Drift, Item, Ours, Theirs, Verdict
from core.invoices.report import FetchRow
from core.providers.capabilities import REMOTE
from core.settings import admin_keys, provider_rows
from pages.common import failures, formats, grids, widgets
from pages.parts import exporting
from pages.words import invoices as words

MONTHS = 13
AT_MOST = 500
LOOK_S = 2.0
USD = st.column_config.NumberColumn(format="$%.4f", help="– is not told, or has no known price")
TOKENS = st.column_config.NumberColumn(format="localized", help="– is not told")
COLUMNS = {
    "Day": st.column_config.TextColumn(width=92, help="UTC, as providers count days"),
    "Model": st.column_config.TextColumn(width=190),
    "Lane": st.column_config.TextColumn(width=52, help="– where theirs does not tell it"),
    "Verdict": st.column_config.MultiselectColumn(
        width=150,
        options=[words.VERDICTS[one] for one in VERDICTS],
        color=[words.COLOURS[one] for one in VERDICTS],
    ),
    **dict.fromkeys(("Our tokens", "Their tokens"), TOKENS),
    **dict.fromkeys(("Ours", "Theirs"), USD),
    "Drift": st.column_config.NumberColumn(format="%+.4f", help="USD: theirs less ours"),
}


def show() -> None:
    today = formats.utc_now().astimezone(UTC).date()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        provider = _provider()
        start, stop = _month(today)
    _get_figures(provider, start, min(stop, today + timedelta(days=1)))
    newest = report.newest(provider)
    if newest is not None and newest.state in ("queued", "running"):
        _watch(newest)
    elif newest is not None:
        _told(newest)
    found = drift.read(provider, start, stop)
    if not found.days:
        st.info(
            f"No figures from {formats.plain(provider_rows.label(provider))} for {start:%B %Y} yet. Fetch them, or "
            "upload what its billing page exports: every day and model is then compared, to the cent and the token."
        )
        return
    _summary(found)
    chosen = _chosen(found)
    _table(provider, [one for one in found.items if not chosen or one.verdict in chosen], found)
    exporting.table(
        "invoices",
        "invoices/export",
        [("provider", provider), ("start", start.isoformat()), ("stop", stop.isoformat())],
        "A row for each day, model and lane of this month, with both sides and the verdict.",
    )


def _provider() -> str:
    return str(
        st.segmented_control(
            "Provider",
            REMOTE,
            default=REMOTE[0],
            required=True,
            format_func=provider_rows.label,
            key="invoices-of",
            bind="query-params",
        )
    )


def _month(today: date) -> tuple[date, date]:
    """Its first day, and that of the next one."""
    first = today.replace(day=1)
    months = [first]
    for _ in range(MONTHS - 1):
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    names = [f"{month:%Y-%m}" for month in months]
    chosen = st.selectbox("Month", names, key="month", bind="query-params", width=160, help="Days are of UTC")
    start = months[names.index(chosen)]
    return start, (start + timedelta(days=32)).replace(day=1)


def _get_figures(provider: str, start: date, stop: date) -> None:
    admin = admin_keys.of(provider)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Fetch {start:%B %Y}",
            icon=":material/cloud_download:",
            type="secondary" if admin.missing else "primary",
            disabled=admin.missing is not None,
            on_click=lambda: failures.attempt(lambda: fetching.order(provider, start, stop)),
        )
        with st.popover("Upload an export", icon=":material/upload_file:"):
            _upload()
        st.caption(words.key(admin), width="stretch")
    if admin.missing:
        widgets.link("Set the admin key on Settings", "settings/settings.py", ":material/key:")


def _upload() -> None:
    st.caption(
        "The CSV file of OpenAI's usage page, or of the Console's cost or usage page. It replaces what was there of "
        "the same days."
    )
    count = st.session_state.setdefault("invoice-uploads", 0)
    most = uploading.MOST_BYTES >> 20
    file = st.file_uploader("CSV file", type=["csv"], key=f"invoice-file-{count}", max_upload_size=most)
    if file is None or not st.button("Compare with it", type="primary"):
        return
    told: list[uploading.Uploaded] = []
    if refused := failures.refusal(lambda: told.append(uploading.upload(file.getvalue()))):
        st.error(formats.plain(refused))
        return
    (one,) = told
    label = provider_rows.label(one.provider)
    failures.notify(f"Took {label}'s {one.source} of {formats.count(one.days, 'day')}, {one.first} to {one.last}.")
    st.session_state["invoice-uploads"] += 1
    st.rerun()


def _watch(newest: FetchRow) -> None:
    """Until it is done; then the page is drawn anew."""

    @failures.live(LOOK_S)
    def look() -> None:
        now = report.fetch(newest.id)
        if now.state not in ("queued", "running"):
            st.rerun()
        since = formats.ago(now.created_at, formats.utc_now())
        st.info(f"{words.STATES[now.state]}, asked for {since}.", icon=":material/hourglass_top:")

    look()


def _told(newest: FetchRow) -> None:
    days = f"{newest.start:%b %-d} to {newest.stop - timedelta(days=1):%b %-d, %Y}"
    when = formats.ago(newest.ended_at, formats.utc_now())
    if newest.state == "failed":
        st.error(f"{days} could not be fetched, {when}. {formats.plain(newest.message or '')}", icon=":material/error:")
        return
    st.caption(f"{words.STATES['done']} {when}: {days}, {words.scope(newest)}.")


def _summary(found: Drift) -> None:
    ours, theirs = found.ours, found.theirs
    with widgets.tiles():
        st.metric("We booked", _exact(ours.cost_usd, "not priced"), border=True)
        st.metric("They charged", _exact(theirs.cost_usd, "not told"), border=True)
        st.metric("Drift", _signed(found.drift_usd), border=True, help="Theirs less ours, over all rows")
        st.metric(
            "Rows that differ", f"{len(found.items) - found.verdicts['equal'] - found.verdicts['fresh']:,}", border=True
        )
    if not found.adds_up:
        st.warning(
            f"Each row is equal to the cent, and together they are {_signed(found.drift_usd)} apart: parts of a cent "
            "add up. A price may be a little off.",
            icon=":material/warning:",
        )
    if found.fresh_until is not None:
        st.info(
            f"The newest days were fetched before they were settled. Fetch them again after "
            f"{formats.time(found.fresh_until)}.",
            icon=":material/schedule:",
        )
    if ours.unpriced:
        st.warning(f"Without a known price, and nothing in ours: {formats.count(ours.unpriced, 'call')}.")
    if ours.unheard:
        st.caption(f"In ours as estimates, as their answers never came: {formats.count(ours.unheard, 'call')}.")


def _exact(amount: Decimal | None, unknown: formats.Markdown) -> formats.Markdown:
    """As the table has it, so that figures add up to their drift."""
    return unknown if amount is None else f"${amount:,.4f}"


def _signed(amount: Decimal | None) -> formats.Markdown:
    sign = "-" if amount is not None and amount < 0 else "+" if amount else ""
    return f"{sign}{_exact(None if amount is None else abs(amount), 'not told')}"


def _chosen(found: Drift) -> Sequence[Verdict]:
    counts = {verdict: number for verdict, number in found.verdicts.items() if number}
    chosen: Sequence[Verdict] = st.pills(
        "Verdict",
        list(counts),
        selection_mode="multi",
        format_func=lambda verdict: f"{words.VERDICTS[verdict]} ({counts[verdict]:,})",
        key="verdict",
        label_visibility="collapsed",
    )
    for verdict in chosen:
        st.caption(f"{words.VERDICTS[verdict].capitalize()}: {words.ABOUT[verdict]}")
    return chosen


def _table(provider: str, items: Sequence[Item], found: Drift) -> None:
    shown = items[:AT_MOST]
    key = f"invoices-{provider}-{hash(tuple((one.day, one.model, one.lane, one.verdict) for one in shown))}"
    clicked = widgets.clicked_row(key)
    rows = [_values(one) for one in shown]
    if len(items) == len(found.items):
        rows.append(_total(found))
    st.dataframe(
        grids.numbered(grids.columns([*COLUMNS], rows)),
        column_config={**grids.ROW_NUMBERS, **COLUMNS},
        on_select="rerun",
        selection_mode=["single-cell"],
        key=key,
        placeholder="–",
    )
    if len(items) > AT_MOST:
        st.caption(f"The newest {AT_MOST:,} of {formats.count(len(items), 'row')}. An export has all of them.")
    st.caption("Click a row for what it means and, where the price differs, what they charge.")
    if clicked is not None and clicked < len(shown):
        _explain(provider, shown[clicked])


def _values(one: Item) -> Sequence[object]:
    return (
        one.day.isoformat(),
        one.model or "no model named",
        one.lane,
        [words.VERDICTS[one.verdict]],
        *_sides(one.ours, one.theirs or Theirs()),
        _float(one.drift_usd),
    )


def _sides(ours: Ours | None, theirs: Theirs) -> Sequence[object]:
    booked = (None, None) if ours is None else (ours.tokens, _float(ours.cost_usd))
    return booked[0], theirs.tokens, booked[1], _float(theirs.cost_usd)


def _total(found: Drift) -> Sequence[object]:
    return "Total", "", None, [], *_sides(found.ours, found.theirs), _float(found.drift_usd)


def _float(amount: Decimal | None) -> float | None:
    """For the grid, which draws it."""
    return None if amount is None else float(amount)


@failures.dialog("What this row says", width="medium", on_dismiss=widgets.dismissed)
def _explain(provider: str, item: Item) -> None:
    explained(provider, item)


def explained(provider: str, item: Item) -> None:
    with st.container(horizontal=True):
        st.markdown(f"**{words.of_item(provider, item)}**")
        st.badge(words.VERDICTS[item.verdict], color=words.COLOURS[item.verdict])  # type: ignore[arg-type]
    st.markdown(words.ABOUT[item.verdict])
    ours, theirs = item.ours or Ours(), item.theirs or Theirs()
    booked = f"{ours.input_tokens:,} in and {ours.output_tokens:,} out, {_exact(ours.cost_usd, 'not priced')}"
    st.markdown(f"We booked {formats.count(ours.calls, 'call')}: {booked}.")
    tokens = (
        "tokens not told"
        if theirs.input_tokens is None or theirs.output_tokens is None
        else f"{theirs.input_tokens:,} in and {theirs.output_tokens:,} out"
    )
    st.markdown(f"They say: {tokens}, {_exact(theirs.cost_usd, 'no sum told')}. Drift: {_signed(item.drift_usd)}.")
    if item.verdict != "price_differs":
        return
    st.markdown(f"What they charge per million tokens: {words.rates(item)}.")
    if repricing.price_of(provider, item) is None:
        st.caption(formats.plain(repricing.REFUSED))
        return
    st.caption("What is booked stays as it is. Calls from now on, and those that have no price yet, get this one.")
    if st.button("Set it as our price", type="primary"):
        failures.attempt(lambda: repricing.take_over(provider, item), "The price was set. It stands under Unpriced.")
        st.rerun()
