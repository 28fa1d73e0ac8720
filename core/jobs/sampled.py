"""What a job sets of how its answers are written: checked, and what is known of it before anything is sent."""

from core.asking.prompts import Asking
from core.asking.request_plan import SHORTEST_PART, Question
from core.errors import InvalidInput
from core.providers import sampling
from core.providers.types import Provider
from core.settings import learned_contexts, learned_forms, provider_rows


def check(asking: Asking, provider: Provider, model: str) -> None:
    """Raises InvalidInput for what cannot be asked of this model."""
    sampling.check(asking.sampling, provider_rows.can(provider.name))
    longest = asking.sampling.max_output_tokens
    if longest and Question(asking, provider, model, "").budget < SHORTEST_PART:
        context = learned_contexts.of(provider.name, provider.base_url, model)
        raise InvalidInput(
            f"sampling.max_output_tokens of {longest:,} leaves no room for a document: {model} takes {context:,} "
            "tokens, question and answer together. Set a shorter answer."
        )


def takes_no_temperature(asking: Asking, provider: Provider, model: str) -> str | None:
    """What to say before launch where the temperature that is set is known not to be used; else None."""
    heat = asking.sampling.temperature
    if heat is None:
        return None
    if not sampling.takes_temperature(provider_rows.of(provider.name).kind, model):
        return f"{model} takes no temperature: {heat:g} is not used, its own is. Choose another model, or leave it out."
    if not learned_forms.of(provider.name, provider.base_url, model).sampled:
        return (
            f"The server has refused a temperature for {model} before: {heat:g} is not used, its own is. If it takes "
            "one by now, an admin makes Cairn forget what it learned, in Settings."
        )
    return None
