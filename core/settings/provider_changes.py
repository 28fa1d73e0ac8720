"""Providers are added, changed and taken away, with all that belongs to them."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from sqlmodel import Session

from core.errors import Conflict, InvalidInput, NotFound
from core.providers.capabilities import KINDS, REMOTE, Kind
from core.runtime import db
from core.settings import base_urls, credentials, defaults, provider_prices, provider_rows, store
from core.settings.credentials import ADDRESS
from core.settings.defaults import MODEL
from core.settings.learned_contexts import CONTEXT
from core.settings.learned_contexts import SMALLEST as SMALLEST_CONTEXT
from core.settings.learned_forms import FORM
from core.settings.provider_rows import ProviderRow
from core.settings.rate_caps import CAPS
from core.settings.store import KEY, ROW
from core.tables.jobs import ACTIVE, in_sql

LARGEST_CONTEXT = 100_000_000
MOST_AT_ONCE = 1_000
MOST_PROVIDERS = 100


class Keep(Enum):
    KEEP = "keep"


KEEP = Keep.KEEP


@dataclass(frozen=True)
class Change:
    """What is given is set, None takes it away, and the rest stays as it is. `base_url` None: as the environment says.

    `prices`: as `provider_prices.checked` takes them; None: by the list.
    """

    base_url: str | Keep | None = KEEP
    key: str | Keep | None = KEEP
    context_tokens: int | Keep | None = KEEP
    concurrency: int | Keep | None = KEEP
    prices: Any = KEEP
    default_model: str | Keep | None = KEEP


def add(name: str, kind: Kind, wanted: Change) -> str:
    """Returns its name as it is stored. Raises InvalidInput, or Conflict where there is one of that name."""
    name = provider_rows.checked_name(name)
    if kind not in REMOTE:
        raise InvalidInput(f"A provider that is added is of a kind {' or '.join(REMOTE)}.")
    if not wanted.base_url or wanted.base_url is KEEP:
        raise InvalidInput(f"{name} needs an address. {base_urls.EXAMPLE}")
    row = _with(ProviderRow(name, kind, base_urls.checked(wanted.base_url)), wanted)
    with db.transaction() as session:
        _check_new(session, name, kind)
        provider_rows.put(session, row)
        _put_rest(session, row, str(row.base_url), wanted)
    store.load()
    return name


def _check_new(session: Session, name: str, kind: Kind) -> None:
    _take_turn(session)
    rows = {one.removeprefix(ROW): value for one, value in store.beginning_with(session, ROW).items()}
    there = [*KINDS, *(one for one, value in rows.items() if "kind" in value and not value.get("removed"))]
    if same := next((one for one in there if one.casefold() == name.casefold()), None):
        raise Conflict(f"There is a provider {same} already. Choose another name, or change that one.")
    if len(there) >= MOST_PROVIDERS:
        raise Conflict(f"There are {MOST_PROVIDERS} providers, the most there can be. Take one away first.")
    if (former := rows.get(name)) and former["kind"] != kind:
        raise Conflict(
            f"{name} was a provider of kind {former['kind']}, and its answers are still read as such. Choose another "
            "name."
        )


def change(name: str, wanted: Change) -> None:
    """Raises NotFound, or InvalidInput. A key that was entered for another address than the new one is not used."""
    known(name)
    with db.transaction() as session:
        _take_turn(session)
        row = _with(_now(session, name), wanted)
        if row.kind not in REMOTE:
            raise InvalidInput("The offline engine answers on this machine and costs nothing: there is nothing to set.")
        address = credentials.of(name).address
        if wanted.base_url is not KEEP:
            checked, address = credentials.checked_address(name, wanted.base_url or "")
            credentials.put_address(session, row, checked)
        if wanted.base_url is KEEP or row.built_in:
            provider_rows.put(session, row)
        _put_rest(session, row, address, wanted)
    store.load()


def _take_turn(session: Session) -> None:
    """One change of a provider at a time: a row is written as a whole, and two of the same name would be one."""
    db.execute(session, "SELECT pg_advisory_xact_lock(hashtext(:lock))", lock=store.subject(ROW))


def _now(session: Session, name: str) -> ProviderRow:
    """As it is stored at this moment. Raises NotFound."""
    stored = store.beginning_with(session, f"{ROW}{name}").get(f"{ROW}{name}", {})
    if stored.get("removed") or (name not in KINDS and not stored):
        raise _none(name)
    return provider_rows.read(name, stored)


def _with(row: ProviderRow, wanted: Change) -> ProviderRow:
    context = row.context_tokens if wanted.context_tokens is KEEP else wanted.context_tokens
    at_once = row.concurrency if wanted.concurrency is KEEP else wanted.concurrency
    if context is not None and not SMALLEST_CONTEXT <= context <= LARGEST_CONTEXT:
        raise InvalidInput(f"A context has {SMALLEST_CONTEXT:,} to {LARGEST_CONTEXT:,} tokens, question and answer.")
    if at_once is not None and not 1 <= at_once <= MOST_AT_ONCE:
        raise InvalidInput(f"Calls at once are a number from 1 to {MOST_AT_ONCE:,}, or empty for as many as go.")
    prices = (
        row.prices
        if wanted.prices is KEEP
        else provider_prices.checked("list" if wanted.prices is None else wanted.prices)
    )
    return replace(row, context_tokens=context, concurrency=at_once, prices=prices)


def _put_rest(session: Session, row: ProviderRow, address: str, wanted: Change) -> None:
    """What lies beside the row: key and model."""
    if wanted.key is not KEEP:
        if wanted.key and wanted.key.strip():
            credentials.put_key(session, row.name, address, wanted.key)
        else:
            store.put(session, f"{KEY}{row.name}", None)
    if wanted.default_model is not KEEP:
        defaults.put_model(session, row.name, wanted.default_model or "")


def known(name: str) -> ProviderRow:
    """Raises NotFound."""
    if not provider_rows.exists(name):
        raise _none(name)
    return provider_rows.of(name)


def _none(name: str) -> NotFound:
    return NotFound(f"There is no provider {name!r}. There are {', '.join(provider_rows.names())}.")


def remove(name: str) -> None:
    """Raises NotFound, or Conflict while a job that has not ended needs it."""
    row = known(name)
    if row.built_in:
        raise Conflict(f"{name} is always there. Its key and address can be taken away.")
    with db.transaction(everywhere=True) as session:
        _take_turn(session)
        if needed := db.scalar(session, NEEDED, provider=name):
            jobs = "A job that has not ended needs" if needed == 1 else f"{needed:,} jobs that have not ended need"
            raise Conflict(f"{jobs} {name}. Wait for the end, cancel, or go on with another model; then take it away.")
        _remove_what_belongs(session, name, (ADDRESS, KEY, MODEL, CAPS), (FORM, CONTEXT))
        # Its kind stays: answers are read by it.
        store.put(session, f"{ROW}{name}", {"kind": row.kind, "removed": True})
        db.execute(session, "DELETE FROM breaker WHERE provider = :provider", provider=name)
        db.execute(session, "DELETE FROM rate_limit WHERE provider = :provider", provider=name)
    store.load()


NEEDED = f"""
SELECT count(*)::int FROM job WHERE state IN {in_sql(("draft", *ACTIVE))}
    AND (provider = :provider OR fallback ->> 'provider' = :provider)
  OR id IN (SELECT job_id FROM provider_batch WHERE provider = :provider AND next_at IS NOT NULL)
"""


def forget_learned(name: str) -> None:
    """All that was learned of its server: it may take more since. Raises NotFound."""
    known(name)
    with db.transaction() as session:
        _remove_what_belongs(session, name, (), (FORM, CONTEXT))
    store.load()


def _remove_what_belongs(session: Session, name: str, whole: tuple[str, ...], by_model: tuple[str, ...]) -> None:
    found = [f"{kind}{name}" for kind in whole]
    for kind in by_model:
        found += store.beginning_with(session, f"{kind}{name}:")
    for one in found:
        store.put(session, one, None)
