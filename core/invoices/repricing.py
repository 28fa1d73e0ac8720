"""Take over what the provider charges as a price of ours, from the day on which it differed."""

from contextlib import suppress

from core.errors import Conflict, NotFound
from core.invoices.drift import Item
from core.money import own_price_changes, unpriced
from core.money.own_price_changes import NewPrice

REFUSED = (
    "Their unit price cannot be told from this row: it needs one model and lane of ours, and what they charge for "
    "input. Set a price by hand, under Unpriced or by the API."
)


def price_of(provider: str, item: Item) -> NewPrice | None:
    """None where theirs cannot be told: of several of our models, of both lanes together, or without a rate for input.

    Their bill has one sum for all tiers of the live lane: it is taken for the standard one.
    """
    if item.verdict != "price_differs" or len(item.our_models) != 1 or item.lane is None or "input" not in item.rates:
        return None
    return NewPrice(
        provider=provider,
        model=item.our_models[0],
        valid_from=item.day,
        tier="batch" if item.lane == "batch" else "standard",
        rates={kind: f"{rate:f}" for kind, rate in item.rates.items() if kind != "other"},
        note=f"From the invoice check of {item.day.isoformat()}.",
    )


def take_over(provider: str, item: Item) -> None:
    """What is booked stays as it is; calls that have no price yet are booked by it. Raises Conflict."""
    new = price_of(provider, item)
    if new is None:
        raise Conflict(REFUSED)
    if item.ours is not None and item.ours.unpriced:
        with suppress(NotFound):
            # Not of calls whose usage is not known: no price books these.
            unpriced.price(new)
            return
    own_price_changes.add(new)
