"""Before launch: the price in both lanes, how long batches took, and the choice of lane, canary and fallback."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import streamlit as st

from core.calls import breaker_report
from core.jobs import batches_report, confirming, launch
from core.jobs.launch import MOST_RETRIES, Estimate, Fallback, JobSpec, Lane, Leftovers
from core.money import pricing
from core.runtime import db
from core.settings import limits, provider_rows
from pages.common import formats
from pages.parts import choices
from pages.words import breakers

LANES: dict[Lane, str] = {"live": "Live, now", "batch": "Batch, overnight"}
FIRST = 3
MOST_FIRST = 50


@dataclass(frozen=True)
class Way:
    """How a job is carried out: the fields of a JobSpec that are neither question nor documents."""

    lane: Lane = "live"
    canary: int = 0
    deadline: datetime | None = None
    leftovers: Leftovers | None = None
    fallback: Fallback | None = None


def warn_if_open(provider: str, model: str) -> None:
    """Warn before launch where the model's circuit breaker is open or half open: live requests would wait."""
    if found := db.read(breaker_report.not_closed).get((provider, model)):
        name = breakers.name(provider, model)
        warning = f"{name} {breakers.meaning(found, formats.utc_now())}. A live job will wait until then."
        st.warning(formats.plain(warning), icon=":material/hourglass_top:")


def calls(estimate: Estimate) -> int:
    """The number of calls that will be paid for."""
    return estimate.requests - estimate.reused - estimate.too_long


def prices(estimate: Estimate) -> None:
    live, batch = estimate.cost_live, estimate.cost_batch
    st.metric("Live, about", price(live))
    st.metric("Batch, about", price(batch), saving(live, batch), delta_color="inverse")


def price(cost: Decimal | None) -> formats.Markdown:
    return "no price known" if cost is None else formats.money(cost)


def saving(live: Decimal | None, batch: Decimal | None) -> formats.Markdown | None:
    """What the batch lane saves, in money and percent; None if it saves nothing or a price is not known."""
    if not live or batch is None or batch >= live:
        return None
    saved = formats.rounded(live) - formats.rounded(batch)
    return f"-{formats.money(saved)} ({(live - batch) / live:.0%} less)"


def label(action: formats.Markdown, provider: str, cost: Decimal | None, unread: int = 0) -> formats.Markdown:
    """What a button that spends money says: what it does, and for how much."""
    if not provider_rows.can(provider).is_billed or (cost == 0 and not unread):
        return f"{action} · free"
    if cost is None:
        return f"{action} · price not known"
    return formats.plain(f"{action} · {'at least' if unread else 'about'} {formats.money(cost)}")


def _asks(provider: str, cost: Decimal | None, unread: int) -> bool:
    """Whether a launch asks once more. Where no limit is set, people are asked above a default, programs never."""
    if limits.confirm_usd() is not None:
        return confirming.is_needed(provider, cost, unread)
    return provider_rows.can(provider).is_billed and cost is not None and cost > limits.PAGES_CONFIRM_USD


def confirmed(provider: str, cost: Decimal | None, unread: int = 0) -> bool:
    """Whether the price is confirmed, by a checkbox; True if it needs no confirmation."""
    if not _asks(provider, cost, unread):
        return True
    most = limits.confirm_usd()
    above = limits.PAGES_CONFIRM_USD if most is None else most
    price = "no price is known" if cost is None else f"it costs about {formats.money(cost)}"
    if unread:
        price = "nobody knows yet what it costs: documents are still being read"
    return st.checkbox(
        f"I know that {price}".replace("$", r"\$"),
        help=f"Asked for above {formats.money(above)}: a limit of the Settings page.",
        key="confirmed",
    )


def turnaround(provider: str, model: str) -> str:
    """A sentence on how long batches of this model took here."""
    took = batches_report.turnaround(provider, model)
    can = provider_rows.can(provider)
    promise = f" {can.label_in_sentences} promises 24 hours." if can.has_batch_window else ""
    if took is None:
        return f"No batch of this model has been through here yet.{promise}"
    if took.batches == 1:
        return f"The only batch of this model that was here took {formats.span(took.p50)}.{promise}"
    return (
        f"The last {formats.count(took.batches, 'batch', 'batches')} of this model here: half were done in "
        f"{formats.span(took.p50)}, 95 of 100 in {formats.span(took.p95)}.{promise}"
    )


def choose(estimate: Estimate, spec: JobSpec, provider: str, model: str) -> Way:
    lane: Lane = st.segmented_control(
        "Lane", list(LANES), format_func=LANES.__getitem__, default="live", required=True, key="ask_lane"
    )
    if lane == "batch":
        st.caption(formats.plain(turnaround(provider, model)))
    can, canary = provider_rows.can(provider), _canary(estimate, lane, spec)
    if lane == "live":
        return Way(lane, canary, fallback=None if can.is_local else _fallback(estimate, (provider, model)))
    if not can.has_batch_window:
        return Way(lane, canary)
    with st.expander("Deadline and unfinished requests"):
        leftovers = _leftovers(estimate)
        deadline = _deadline()
    return Way("batch", canary, deadline, leftovers)


WAIT, TO_BATCH, TO_MODEL = "Wait", "Batch lane", "Another model"


def _fallback(estimate: Estimate, own: tuple[str, str]) -> Fallback | None:
    """Choose what the job does by itself once its model has not answered for a while."""
    with st.expander("If the model does not answer"):
        ways = [WAIT, TO_BATCH, TO_MODEL]
        way = st.segmented_control("Then", ways, default=WAIT, required=True, key="fallback")
        if way == WAIT:
            st.caption("After too many failures in a row its requests wait, without failing, until it answers again.")
            return None
        minutes = st.number_input("After so many minutes of waiting", 0, 10_000, 5, key="fallback_after")
        if way == TO_BATCH:
            st.caption("What still waits then is handed over as a batch, at half price, within 24 hours.")
            return Fallback(lane="batch", after_s=int(minutes) * 60)
        provider, model = choices.model("fallback", own)
        tokens = estimate.input_tokens, estimate.output_tokens
        there = pricing.of_calls(provider, model, calls(estimate), *tokens, "live", formats.utc_now())
        told = f"What still waits then is asked of this model: all of it would be about {price(there)}."
        st.caption(formats.plain(f"{told} It happens once, and never back."))
        return Fallback(provider=provider, model=model, after_s=int(minutes) * 60)


def _canary(estimate: Estimate, lane: Lane, spec: JobSpec) -> int:
    """Choose how many requests go first, live, so that a person sees their answers before the rest is paid for."""
    if calls(estimate) < 2:
        return 0
    wanted = st.toggle("Canary: a few first", key="canary", help="A few are asked live, then you decide on the rest.")
    if not wanted:
        return 0
    most = min(MOST_FIRST, calls(estimate) - 1)
    number = st.number_input("How many first", 1, most, min(FIRST, most), key="canary_number")
    first = launch.canary_of(replace(spec, canary=int(number)), formats.utc_now())
    rest = "The rest" if lane == "live" else "The rest, in the batch lane,"
    held = f"{rest} is held until you have seen their answers and what they cost: then release it or drop it."
    if not first.documents:
        mean = None if estimate.cost_live is None else estimate.cost_live / calls(estimate) * number
        like = f"for about {price(mean)} if they are like the rest"
        st.caption(f"The first {number:,} of {calls(estimate):,} that are there go live, {like}. {held}")
        return int(number)
    st.caption(
        f"{len(first.documents):,} of {calls(estimate):,} go first, live, for about {price(first.cost)}: short ones, "
        f"long ones and some between. {held}"
    )
    return int(number)


def _leftovers(estimate: Estimate) -> Leftovers | None:
    st.caption(
        "A batch may leave requests unanswered: by a temporary error, or because 24 hours were not enough. Neither is "
        "billed. Temporary errors are retried automatically, up to twice; what has expired or was cancelled waits for "
        "you."
    )
    if not st.toggle("Send expired ones again", key="leftovers"):
        return None
    retries = st.number_input("Up to how many times, as a new batch", 0, MOST_RETRIES, 2, key="leftovers_retries")
    full = (
        "" if estimate.cost_live is None else f" All of them live would be about {formats.money(estimate.cost_live)}."
    )
    then_live = st.toggle("Then live, at full price", key="leftovers_live")
    if then_live:
        st.caption(f"What is unanswered after that is asked live.{full}".replace("$", r"\$"))
    return Leftovers(int(retries), then_live)


def _deadline() -> datetime | None:
    """Choose a deadline, in the reader's time zone."""
    if not st.toggle("Stop sending again after a set time", key="deadline"):
        return None
    zone = formats.zone()
    tomorrow = datetime.now(zone).replace(tzinfo=None, second=0, microsecond=0) + timedelta(days=1)
    st.session_state.setdefault("deadline_at", tomorrow)
    chosen = st.datetime_input(f"Nothing goes out again by itself after ({formats.plain(zone.key)})", key="deadline_at")
    return None if chosen is None else chosen.replace(tzinfo=zone)
