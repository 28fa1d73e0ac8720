"""What settings are about, what is stored under them, and where a value comes from, as words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core import languages
from core.providers import forms
from core.providers.forms import Form
from core.retention.rules import RETENTION
from core.settings import provider_rows
from core.settings.credentials import ADDRESS
from core.settings.defaults import LANGUAGE, MODEL
from core.settings.learned_contexts import CONTEXT
from core.settings.learned_forms import FORM
from core.settings.limits import CEILING
from core.settings.rate_caps import CAPS
from core.settings.reporting_zone import ZONE
from core.settings.store import KEY, ROW
from pages.common import formats
from pages.words import providers

# Who made a change where nobody is signed in: the door that it came through.
DOOR = "settings page"
DOORS = {"api": "HTTP API"}
SOURCES = {"default": "default", "environment": "from the environment", "here": "set here"}


@dataclass(frozen=True)
class LimitText:
    label: str
    unit: str
    meaning: str
    advice: str


LIMIT_TEXTS = {
    "max_upload_mb": LimitText(
        "Largest upload",
        "MB",
        "Of one document, and of one file of custom requests.",
        "200 suits most; larger files take more memory while they are read.",
    ),
    "live_concurrency": LimitText(
        "Live calls at once",
        "calls",
        "Of each jobs process. What is under way ends; then the new number holds.",
        "32 suits hosted models. A server of your own takes fewer: set that on its card.",
    ),
    "confirm_job_usd": LimitText(
        "Ask before a job above",
        "USD",
        "A job that is estimated above this, or has no known price, starts only when that is confirmed. Where none is "
        "set, the pages ask above $5, and programs are not asked.",
        "What one person may spend without asking another.",
    ),
    "batches_in_flight": LimitText(
        "Batches in flight",
        "batches",
        "At one provider. What does not fit waits.",
        "Leave it, unless a provider refuses further batches.",
    ),
    "batch_tokens_in_flight": LimitText(
        "Tokens in flight in batches",
        "tokens",
        "Input tokens at one provider.",
        "The limit of queued batch tokens of your account, if that is lower.",
    ),
    "batch_usd_in_flight": LimitText(
        "Money in flight in batches",
        "USD",
        "Estimated, at one provider.",
        "What one mistake may cost.",
    ),
}
RATES = {
    "requests": "requests",
    "tokens": "tokens",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
}


def limit(name: str, value: Decimal | None) -> str:
    if value is None:
        return "none"
    return formats.money(value) if LIMIT_TEXTS[name].unit == "USD" else f"{int(value):,} {LIMIT_TEXTS[name].unit}"


def _limit(name: str) -> str:
    return f"limit “{LIMIT_TEXTS[name].label.lower() if name in LIMIT_TEXTS else name}”"


def language(name: str) -> str:
    return "that of each document" if name == languages.OF_THE_DOCUMENT else name


def rates(value: Mapping[str, Any]) -> formats.Markdown:
    """Figures by kind of rate, as they are stored; "" if there are none."""
    return ", ".join(f"{value[kind]:,} {words} a minute" for kind, words in RATES.items() if value.get(kind))


def form(learned: Form) -> str:
    """In which form a server takes the questions, where that is another than usual."""
    parts = (
        FORMS_OF_ANSWERS[learned.answers],
        f"the longest answer as {learned.limit}" if learned.limit else "",
        "" if learned.sampled else "without temperature",
        "as a stream" if learned.streamed else "",
        "" if learned.system else "without a message of the system's",
    )
    return ", ".join(part for part in parts if part) or "as usual"


FORMS_OF_ANSWERS = {
    "json_schema": "",
    "json_object": "JSON, its schema in the prompt",
    "text": "the schema in the prompt alone",
}


def _server_of(name: str) -> str:
    provider, _, model = name.partition(":")
    return f"form of {provider_rows.label(provider)}'s {model}"


def _row(value: Mapping[str, Any]) -> str:
    return providers.stored(value)


def _retention(value: Mapping[str, Any]) -> str:
    excepted = value.get("excepted", ())
    return formats.count(value["days"], "day") + (f", except {', '.join(excepted)}" if excepted else "")


@dataclass(frozen=True)
class SettingWords:
    """How the settings of one kind are described. A setting's name is its kind, or `kind:rest`."""

    about: Callable[[str], str]
    choice: Callable[[Mapping[str, Any]], str]


def _key_of(name: str) -> str:
    provider, _, admin = name.partition(":")
    return f"{'admin ' if admin else ''}key of {provider_rows.label(provider)}"


# By kind; the settings of resilience, which have no entry, are described by `choice` and `setting` themselves.
KINDS = {
    MODEL.rstrip(":"): SettingWords(
        lambda provider: f"model of {provider_rows.label(provider)}", lambda value: str(value["model"])
    ),
    LANGUAGE: SettingWords(lambda _: "language of answers", lambda value: language(str(value["language"]))),
    ADDRESS.rstrip(":"): SettingWords(
        lambda provider: f"address of {provider_rows.label(provider)}", lambda value: str(value["base_url"])
    ),
    ROW.rstrip(":"): SettingWords(lambda name: f"provider {provider_rows.label(name)}", _row),
    KEY.rstrip(":"): SettingWords(_key_of, lambda _: "a key"),
    CAPS.rstrip(":"): SettingWords(lambda provider: f"rate limits of {provider_rows.label(provider)}", rates),
    FORM.rstrip(":"): SettingWords(_server_of, lambda value: form(forms.read(value))),
    CONTEXT.rstrip(":"): SettingWords(
        lambda name: f"context of {provider_rows.label(name.partition(':')[0])}'s {name.partition(':')[2]}",
        lambda value: f"{value['tokens']:,} tokens",
    ),
    CEILING: SettingWords(_limit, lambda value: str(value["value"])),
    ZONE: SettingWords(lambda _: "time zone of costs", lambda value: str(value["zone"])),
    RETENTION: SettingWords(lambda kind: f"retention of {kind}", _retention),
}


def choice(name: str, value: Mapping[str, Any] | None) -> str:
    """What is stored under a setting's name, in short."""
    if value is None:
        return "nothing set here"
    if words := KINDS.get(name.partition(":")[0]):
        return words.choice(value)
    if "preset" in value:
        return f"preset {value['preset']}"
    return ", ".join(f"{name} {figure}" for name, figure in value.get("custom", {}).items())


def setting(name: str, operations: Mapping[str, str]) -> str:
    """What a setting is about, by its name."""
    kind, _, rest = name.partition(":")
    if words := KINDS.get(kind):
        return words.about(rest)
    return operations.get(rest, rest) if rest else "all operations"
