"""Configuration: read once from the environment and `.env`, frozen, checked at boot with all errors at once."""

import json
from dataclasses import asdict
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from core import presets
from core.errors import ConfigurationError
from core.languages import Language

PLACEHOLDER_SECRETS = ("change-me", "changeme", "your-secret", "your-very-secure", "secret", "placeholder")

HOW_TO_MAKE_ONE = 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'


def is_weak(secret: str) -> bool:
    return len(secret) < 32 or any(word in secret.lower() for word in PLACEHOLDER_SECRETS)


Blank = BeforeValidator(lambda value: None if isinstance(value, str) and not value.strip() else value)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    environment: Literal["development", "staging", "production"] = "development"
    debug: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    # Seals the keys that are set on the Settings page. The previous one still opens what it sealed.
    secret_key: SecretStr | None = None
    secret_key_previous: SecretStr | None = None
    cors_origins: tuple[str, ...] = ()
    allow_open_access: bool = False

    database_url: Annotated[str | None, Blank] = None
    database_pool_size: int = Field(10, ge=2, le=200)
    database_pool_timeout: float = Field(30, gt=0)
    database_health_check_timeout: float = Field(10, gt=0)
    data_dir: Path = Path("data")

    openai_api_key: Annotated[SecretStr | None, Blank] = None
    openai_base_url: Annotated[str | None, Blank] = None
    anthropic_api_key: Annotated[SecretStr | None, Blank] = None
    anthropic_base_url: Annotated[str | None, Blank] = None
    # Of the organizations, for the invoice check alone: they read what was used and charged.
    openai_admin_key: Annotated[SecretStr | None, Blank] = None
    anthropic_admin_key: Annotated[SecretStr | None, Blank] = None
    provider_timeout_seconds: float = Field(600, gt=0)
    default_model_openai: str | None = None
    default_model_anthropic: str | None = None
    # Of answers; None: the language of each document.
    default_language: Language = None

    embedded_jobs: bool = True
    live_concurrency: int = Field(32, ge=1, le=512)
    scheduler_tick_seconds: float = Field(5, ge=0.2)
    health_sample_seconds: float = Field(30, ge=0.2)
    worker_lease_seconds: float = Field(15, ge=1)
    # How often the leader removes what retention rules no longer keep.
    retention_every_seconds: float = Field(3600, ge=0.2)
    shutdown_grace_seconds: float | None = Field(None, ge=0)

    # What calls do when a provider fails. The Settings page overrides these, unless it is locked.
    resilience_preset: presets.PresetName = "simple"
    resilience_custom_config: Annotated[str | None, Blank] = None
    retry_attempts: int | None = Field(None, ge=0, le=10)
    resilience_locked: bool = False
    # Ignores all that was set while Cairn runs, and refuses changes.
    settings_locked: bool = False

    # Caps for every model of a provider, over all processes. The provider's own limit applies where it is lower.
    rate_limit_requests_per_minute: int | None = Field(None, ge=1)
    rate_limit_tokens_per_minute: int | None = Field(None, ge=1)

    # The shortest wait between two looks at one provider batch.
    batch_poll_seconds: float = Field(60, ge=0.2)
    # A batch whose creation has an unknown outcome counts as absent when complete listings lack it for this long.
    batch_settle_seconds: float = Field(900, ge=0)
    # Caps for each provider, over all jobs; batches beyond them wait.
    batches_in_flight: int = Field(50, ge=1)
    batch_tokens_in_flight: int = Field(200_000_000, ge=1)
    batch_usd_in_flight: Decimal = Field(Decimal(1000), gt=0)

    # A job that is estimated above this, or has no known price, starts only when that is confirmed. None: any does.
    confirm_job_usd: Annotated[Decimal | None, Blank] = Field(None, ge=0)

    # Whose days and months money is reported by.
    reporting_zone: str = "UTC"

    max_upload_mb: int = Field(200, ge=1, le=2000)
    # What stays free where DATA_DIR lies; uploads are refused before. 0: they never are.
    min_free_disk_mb: int = Field(512, ge=0)
    extraction_memory_mb: int = Field(1500, ge=200)
    extraction_seconds: float = Field(120, gt=0)
    # auto: readers of files run in a sandbox where the kernel has one, and Health says where it has none.
    extraction_sandbox: Literal["auto", "required", "off"] = "auto"
    # Words in pictures, such as scans: of so many pages or pictures of a document at most.
    extraction_ocr: Literal["on", "off"] = "on"
    extraction_ocr_pages: int = Field(1000, ge=1, le=100_000)
    extraction_ocr_memory_mb: int = Field(2500, ge=1000)

    @field_validator("database_url")
    @classmethod
    def _with_psycopg(cls, url: str | None) -> str | None:
        if url is None:
            return None
        scheme, separator, rest = url.partition("://")
        if not separator or scheme.split("+")[0] not in ("postgresql", "postgres"):
            raise ValueError("must be a PostgreSQL URL such as postgresql://user:password@host:5432/cairn")
        return f"postgresql+psycopg://{rest}"

    @field_validator("openai_base_url", "anthropic_base_url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return url.rstrip("/") if url else None

    @field_validator("reporting_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("must be a time zone of IANA's list, such as Europe/Berlin")
        return name

    @field_validator("resilience_custom_config")
    @classmethod
    def _is_a_configuration(cls, raw: str | None, info: ValidationInfo) -> str | None:
        if raw is None:
            return None
        try:
            custom = json.loads(raw)
        except ValueError:
            raise ValueError('must be JSON such as {"retry_attempts": 3, "circuit_breaker_threshold": 5}') from None
        _, errors = presets.validate(custom, presets.PRESETS[info.data.get("resilience_preset", "simple")])
        if errors:
            raise ValueError("; ".join(f"{wrong.field} {wrong.message}" for wrong in errors))
        return raw

    @model_validator(mode="after")
    def _production_needs_a_secret(self) -> "Settings":
        if self.environment != "production":
            return self
        secret = self.secret_key.get_secret_value() if self.secret_key else ""
        if is_weak(secret):
            raise ValueError(
                f"SECRET_KEY: production needs at least 32 random characters and no placeholder. {HOW_TO_MAKE_ONE}"
            )
        return self

    def resilience_values(self) -> presets.Values:
        """The values that the environment sets: of a preset, then own figures over it, then RETRY_ATTEMPTS."""
        values: dict[str, Any] = {}
        if "resilience_preset" in self.model_fields_set:
            values |= asdict(presets.PRESETS[self.resilience_preset])
        if self.resilience_custom_config is not None:
            values |= presets.chosen(json.loads(self.resilience_custom_config))[0]
        if self.retry_attempts is not None:
            values["retry_attempts"] = self.retry_attempts
        return values

    @property
    def grace_seconds(self) -> float:
        """How long calls in flight may take to end after SIGTERM; web sets a shorter time for its jobs child."""
        return 60 if self.shutdown_grace_seconds is None else self.shutdown_grace_seconds


def load_settings() -> Settings:
    """Raises ConfigurationError naming every wrong variable, without echoing values."""
    try:
        return Settings()  # type: ignore[call-arg]  # values come from the environment
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, e['loc'])).upper() or 'settings'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigurationError(
            "Configuration is not valid:\n" + "\n".join(lines) + "\nCorrect the environment or .env and start again."
        ) from None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    return load_settings()
