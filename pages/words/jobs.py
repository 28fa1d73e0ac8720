"""What a job's state means and what it waits for, as sentences. Nothing is drawn here."""

from collections.abc import Mapping
from datetime import datetime

from core.batch.report import BatchSummary, Beyond, Group, InFlight
from core.calls.breaker_report import BreakerRow
from core.jobs.report import JobRow
from core.jobs.requests_report import FailureRow
from core.jobs.resend import LeftOut, Why
from core.settings import limits, provider_rows
from pages.common.formats import Markdown, ago, count, lasted, money, plain, until
from pages.words import batches, breakers, waits

LANES = {"live": "live, too,", "batch": "in the batch lane"}
# In the session: the filters of the list of jobs, for the way back from a job.
JOBS_LINK = "jobs_link"
# What a completed job is called that is no success, for a list. With its colour: pages.common.widgets.
SOME_FAILED, ALL_FAILED = "some failed", "all failed"
HANDING_OVER = ("preparing", "submitting")


def meaning(row: JobRow, standing: BatchSummary, now: datetime, breaker: BreakerRow | None = None) -> list[str]:
    """What the job's state means, and what it waits for. `breaker`: its model's, if that is open or half open."""
    if row.state == "running":
        return _running(row, standing, now, breaker)
    if row.state == "cancelling":
        first = "Nothing more is sent. What finishes before it is cancelled there is kept and billed."
        can = provider_rows.can(row.provider)
        slow = f" {can.label_in_sentences} may take ten minutes for it." if can.cancels_slowly and row.in_flight else ""
        return [f"{first}{slow}", *_at_work(row, standing, now)]
    if row.state == "paused":
        return _paused(row, standing, now)
    if row.state == "completed":
        return _completed(row)
    return {
        "draft": ["Not started yet."],
        "queued": ["It begins when a worker takes it up. If it stays like this, look at the Health page."],
        "cancelled": ["Nothing more is sent. What had been answered is kept."],
        "failed": [row.error or "It could not go on."],
    }[row.state]


def sampled(row: JobRow) -> dict[str, str]:
    """What the job sets of how its answers are written."""
    found = row.sampling or {}
    longest = found.get("max_output_tokens")
    heat = found.get("temperature")
    return {
        **({} if heat is None else {"temperature": f"{heat:g}"}),
        **({} if longest is None else {"longest answer": count(longest, "token")}),
    }


def without_temperature(row: JobRow) -> str:
    heat = (row.sampling or {}).get("temperature")
    return f"The temperature of {heat:g} was not used, at least not for all requests: the model takes none."


def shown_state(row: JobRow) -> str:
    """The state in a list: a completed job with failures does not look like a success."""
    if row.state != "completed" or not row.failed:
        return row.state
    return SOME_FAILED if row.failed < row.total else ALL_FAILED


def badge(row: JobRow) -> Markdown:
    """The state on the job's own page."""
    return f"completed, {row.failed:,} failed" if shown_state(row) != row.state else plain(row.state)


def left_out(documents: int, of: int) -> Markdown:
    """Documents that could not be read, so that nothing was asked of them."""
    some = f"{documents:,} of {count(of, 'document')}"
    if documents == 1:
        return f"{some} was left out: it could not be read."
    return f"{some} were left out: they could not be read."


def _completed(row: JobRow) -> list[str]:
    if not row.total:
        return ["There was nothing to ask: none of its documents could be read."]
    return ["Every request has ended."]


def _paused(row: JobRow, standing: BatchSummary, now: datetime) -> list[str]:
    if row.waits_for is not None:
        first = waits.sentence(row.waits_for, now)
    elif waits_for_decision(row):
        first = "The canary is through. Look at its answers, then release the rest or drop it."
    else:
        first = "Nothing more is sent until it is resumed. What is under way goes on and is kept."
    return [first, *_at_work(row, standing, now)]


def failed(row: FailureRow) -> Markdown:
    """How many requests failed for one reason, and of how many documents, where these are fewer."""
    if not 0 < row.documents < row.requests:
        return f"{row.requests:,} failed."
    return f"{count(row.requests, 'request')} of {count(row.documents, 'document')} failed."


def cause(row: FailureRow) -> str:
    """The reason, and a document as an example."""
    told = PART_FAILED if row.code == "part_failed" else row.message or row.code.replace("_", " ")
    told = told if told.endswith((".", "!", "?")) else f"{told}."
    if not row.example:
        return told
    return f"{told} It is {row.example}." if row.documents == 1 else f"{told} For example: {row.example}."


PART_FAILED = "A long document is asked in parts, and a part of it failed: so its answers could not be put together."


def of_documents(requests: int, documents: int) -> Markdown | None:
    return f"of {count(documents, 'document')}" if 0 < documents < requests else None


WHY_NOT: Mapping[Why, Markdown] = {
    "too_long": "too long for the model",
    "filtered": "stopped by the provider's content filter",
    "deleted": "of a document that was deleted",
    "part": "of a long document of which another part cannot be sent again",
}
NAMED = 3


def not_sendable(found: LeftOut) -> Markdown:
    """Why requests are not sent again, with the documents that they are of."""
    told = f"{count(found.requests, 'request')} {WHY_NOT[found.why]}"
    if not found.documents:
        return told
    more = ", …" if found.documents[NAMED:] else ""
    return f"{told}: {plain(', '.join(found.documents[:NAMED]))}{more}"


def waits_for_decision(row: JobRow) -> bool:
    """Whether the canary has ended and the rest is held until a person decides."""
    return row.state == "paused" and row.canary > 0 and row.held > 0 and not waits_for_budget(row)


def waits_for_budget(row: JobRow) -> bool:
    return row.waits_for is not None and row.waits_for.kind == "budget"


def waits_for_caps(row: JobRow) -> bool:
    return row.waits_for is not None and row.waits_for.kind == "own_caps"


def waits_for_breaker(row: JobRow) -> bool:
    """Whether live requests wait for an open breaker; the job's row says so once one of them could not go out."""
    return row.state == "running" and row.waits_for is not None and row.waits_for.kind == "breaker"


def waits_for(row: JobRow, open_breakers: Mapping[tuple[str, str], BreakerRow], now: datetime) -> str:
    """What the job waits for, in few words for a list. "" if its row has no reason."""
    if row.waits_for is None:
        return ""
    one = open_breakers.get((row.provider, row.model)) if waits_for_breaker(row) else None
    return breakers.until_when(one, now) if one else waits.briefly(row.waits_for, now)


def _behind_breaker(row: JobRow, breaker: BreakerRow, now: datetime) -> list[str]:
    name = breakers.name(breaker.provider, breaker.model)
    first = f"Live requests are on hold (none have failed): {name} {breakers.meaning(breaker, now)}."
    return [first, *filter(None, [breakers.rule(row.fallback)])]


def _running(row: JobRow, standing: BatchSummary, now: datetime, breaker: BreakerRow | None) -> list[str]:
    why = waits.sentence(row.waits_for, now) if row.waits_for else ""
    lines = _behind_breaker(row, breaker, now) if breaker and waits_for_breaker(row) else [why] if why else []
    if row.canary:
        lines.append(f"The canary goes first, live: {count(row.canary, 'request')}. The rest is held until you decide.")
    if row.unread:
        lines.append(f"Still being read: {count(row.unread, 'document')}.")
    lines += _at_work(row, standing, now)
    waiting = row.pending - row.held - row.unread
    if waiting > 0:
        lines += [f"That holds back {count(waiting, 'request')}."] if why else _waits(row, standing, waiting, now)
    if row.held and not row.canary:
        lines.append(_merges(row.held))
    if row.deadline is not None:
        lines.append(_deadline(row.deadline, now))
    return lines


def _at_work(row: JobRow, standing: BatchSummary, now: datetime) -> list[str]:
    """What is under way: in batches by their state, live, and being made into results."""
    name = provider_rows.can(row.provider).label_in_sentences
    lines, in_batches = [], 0
    for state, group in standing.groups.items():
        if state not in ("preparing", "submitting", "settling", "in_progress", "ended"):
            continue
        in_batches += group.requests
        what = f"{count(group.requests, 'request')} in {count(group.batches, 'batch', 'batches')}"
        since = f" since {lasted(group.since, now)}" if group.since else ""
        if state in HANDING_OVER:
            lines.append(f"{what}: being handed over to {name}.")
        elif state == "settling":
            lines.append(
                f"{what}: being settled. Whether {name} has it is not known, because the answer to its creation was "
                "not heard. It is looked for there; until that is clear nothing is sent again, so that nothing is "
                "billed twice."
            )
        elif state == "in_progress":
            done = f", {group.done:,} of them done" if group.done else ""
            expires = _expires(row.provider, group, now)
            lines.append(f"{what} at {name}{since}{done}.{expires}{_no_progress(row.provider)}")
        else:
            lines.append(f"{what}: done at {name}, the results are being fetched.")
    if standing.trouble:
        lines.append(f"The last step failed, and is tried again by itself. {standing.trouble}")
    live = row.in_flight - row.answered - in_batches
    if live > 0:
        lines.append(f"Being answered now, live: {count(live, 'request')}.")
    if row.answered:
        lines.append(f"Kept, and being made into results: {count(row.answered, 'answer')}.")
    return lines


def _expires(provider: str, group: Group, now: datetime) -> str:
    if group.since is None or not provider_rows.can(provider).has_batch_window:
        return ""
    which = "It expires" if group.batches == 1 else "The first of them expires"
    return f" {which} {until(group.since + batches.WINDOW, now)} if unfinished."


def _no_progress(provider: str) -> str:
    can = provider_rows.can(provider)
    return "" if can.reports_progress else f" {can.label_in_sentences} reports progress only when a batch ends."


def _waits(row: JobRow, standing: BatchSummary, waiting: int, now: datetime) -> list[str]:
    name = provider_rows.can(row.provider).label_in_sentences
    if row.waits_for is not None and row.waits_for.kind == "provider_queue":
        again = until(row.waits_for.until, now) if row.waits_for.until else "later"
        return [f"{name}'s queue is full. What is left goes out again {again}: {count(waiting, 'request')}."]
    if standing.twins:
        return [_duplicates(waiting)]
    if waits_for_caps(row) and standing.in_flight is not None:
        caps = _caps(standing.in_flight)
        return [f"Waiting until there is room at {name}: {count(waiting, 'request')}. In flight there now: {caps}."]
    return [f"Waiting to be sent: {count(waiting, 'request')}."]


def _merges(held: int) -> Markdown:
    if held == 1:
        return "1 request puts the answers to the parts of a long document together, and waits for these."
    return f"{held:,} requests put the answers to the parts of long documents together, and wait for these."


def _duplicates(waiting: int) -> Markdown:
    if waiting == 1:
        return "1 request duplicates another in progress and will reuse its answer."
    return f"{waiting:,} requests duplicate others in progress and will reuse their answers."


def _caps(used: InFlight) -> str:
    return (
        f"{used.batches:,} of {limits.batches():,} batches, {used.tokens:,} of {limits.batch_tokens():,} tokens, "
        f"{money(used.usd)} of {money(limits.batch_usd())}"
    )


def _deadline(deadline: datetime, now: datetime) -> str:
    if deadline <= now:
        return f"Its deadline has passed {ago(deadline, now)}: nothing goes out again by itself."
    return f"Its deadline is {until(deadline, now)}; after that nothing goes out again by itself."


def leftovers(row: JobRow) -> Markdown:
    """What Cairn does by itself with requests that a batch leaves unanswered."""
    if row.leftovers is None:
        return (
            "Temporary errors are retried automatically, up to twice. What expires or is cancelled there waits for you."
        )
    retries, then_live = row.leftovers["retries"], row.leftovers["then_live"]
    what = "What a batch leaves unanswered goes out again"
    if not retries:
        return f"{what} not as a batch, but live at full price." if then_live else "Nothing goes out again by itself."
    live = ", then live at full price" if then_live else ""
    return f"{what} by itself up to {count(retries, 'time')}{live}."


def accounted(row: Beyond) -> str:
    """Billed usage that belongs to no answer."""
    if row.status == "unattributed":
        return (
            f"The provider's own total is {count(row.tokens, 'token')} more than what its lines account for: booked "
            f"once, {money(row.cost_usd)}, and in the cost."
        )
    return (
        f"Never heard the end of: {count(row.records, 'live call')}. Booked as an estimate, {money(row.cost_usd)}, "
        "and in the cost."
    )
