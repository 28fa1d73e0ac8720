"""The providers as they are now: how each is called, what it costs, and what was learned of its server."""

from dataclasses import dataclass

from core.providers.capabilities import Kind
from core.providers.forms import Form
from core.settings import credentials, defaults, learned_contexts, learned_forms, provider_rows
from core.settings.provider_prices import Prices


@dataclass(frozen=True)
class Learned:
    """Of one model at the provider's present address. `context_tokens` None: none was named."""

    model: str
    form: Form
    context_tokens: int | None


@dataclass(frozen=True)
class ProviderView:
    """`base_url` None: it has none. `from_settings`: something of its address or key was set while Cairn runs."""

    name: str
    kind: Kind
    base_url: str | None
    key_set: bool
    from_settings: bool
    set_up: bool
    warning: str | None
    default_model: str
    models: list[str]
    context_tokens: int | None
    concurrency: int | None
    prices: Prices
    learned: list[Learned]


def every() -> list[ProviderView]:
    return [one(name) for name in provider_rows.names()]


def one(name: str) -> ProviderView:
    row = provider_rows.of(name)
    how = None if row.can.is_local else credentials.of(name)
    return ProviderView(
        name=name,
        kind=row.kind,
        base_url=how.address if how else None,
        key_set=how is not None and how.key is not None,
        from_settings=how is not None and (not row.built_in or "here" in (how.address_from, how.key_from)),
        set_up=how is None or how.set_up,
        warning=how.warning if how else None,
        default_model=defaults.model_of(name)[0],
        models=defaults.suggested(name),
        context_tokens=row.context_tokens,
        concurrency=row.concurrency,
        prices=row.prices if how else "free",
        learned=learned(name, how.address) if how else [],
    )


def learned(name: str, address: str) -> list[Learned]:
    """By model."""
    forms = {one.model: one.form for one in learned_forms.known(name, address)}
    contexts = learned_contexts.known(name, address)
    return [Learned(model, forms.get(model, Form()), contexts.get(model)) for model in sorted({*forms, *contexts})]
