"""Every variable that Cairn reads, with its bounds. What several of them must be together stands in `checks.py`."""

import json
import re
from dataclasses import asdict
from decimal import Decimal
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core import presets
from core.environment.addresses import origin
from core.environment.strength import HOW_TO_MAKE_ONE, KEY_AT_LEAST
from core.languages import Language

SignIn = Literal["oidc", "header", "none"]
Network = IPv4Network | IPv6Network
EVERYBODY = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
# To list them is to walk through all their files.
_zones = cache(available_timezones)


def _split(value: object) -> object:
    """Of a list with commas; blanks around its members and empty ones do not count."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _name_of_a_header(name: str | None) -> str | None:
    if name is not None and not (name.isascii() and name.replace("-", "").isalnum()):
        raise ValueError("must be the name of a header, such as X-Forwarded-Email")
    return name


Blank = BeforeValidator(lambda value: value.strip() or None if isinstance(value, str) else value)
# Of text with commas, which pydantic-settings would take for JSON.
Commas = BeforeValidator(_split)
Header = Annotated[str | None, Blank, AfterValidator(_name_of_a_header)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    environment: Literal["development", "staging", "production"] = "development"
    debug: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    # Seals the keys that are set on the Settings page. The previous one still opens what it sealed.
    secret_key: SecretStr | None = None
    secret_key_previous: SecretStr | None = None
    cors_origins: tuple[str, ...] = ()
    # Where people open Cairn: scheme and host, a port where it is not the scheme's own.
    public_url: Annotated[str | None, Blank] = None
    # Lets Cairn listen where others reach it although nobody is asked who they are.
    allow_open_access: bool = False

    # Sign-in by a provider of the company: all of these and PUBLIC_URL, or none.
    oidc_discovery_url: Annotated[str | None, Blank] = None
    oidc_client_id: Annotated[str | None, Blank] = None
    oidc_client_secret: Annotated[SecretStr | None, Blank] = None
    oidc_scopes: str = "openid email profile"
    # Lets in people of whom the provider does not say that their e-mail is verified.
    oidc_trust_email: bool = False
    # Sign-in by a proxy, which names the person in a header and proves itself by the secret in X-Proxy-Secret.
    trusted_user_header: Header = None
    trusted_name_header: Header = None
    trusted_proxy_secret: Annotated[SecretStr | None, Blank] = None
    # In small letters, both.
    admin_emails: Annotated[tuple[str, ...], NoDecode, Commas] = ()
    allowed_email_domains: Annotated[tuple[str, ...], NoDecode, Commas] = ()
    session_hours: float = Field(12, gt=0, le=720)

    # For programs, with the role admin.
    api_key: Annotated[SecretStr | None, Blank] = None
    additional_api_keys: Annotated[tuple[SecretStr, ...], NoDecode, Commas] = ()
    # Of each key, over all processes. 0: as many as come.
    api_rate_limit_per_minute: int = Field(600, ge=0)
    # Whose X-Forwarded-For is believed. uvicorn reads the same variable, with the same default.
    forwarded_allow_ips: Annotated[tuple[Network, ...], NoDecode, Commas] = (ip_network("127.0.0.1"),)
    # None: in production.
    disable_internal_docs: Annotated[bool | None, Blank] = None

    database_url: Annotated[str | None, Blank] = None
    # The owner's, who migrates. None: the same as above, and then the database holds neither audit nor wall.
    migration_database_url: Annotated[str | None, Blank] = None
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

    @field_validator("database_url", "migration_database_url")
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

    @field_validator("oidc_discovery_url")
    @classmethod
    def _is_a_discovery_url(cls, url: str | None) -> str | None:
        found = re.match(r"https?://[^/?#\s@]+(?=/\S*$)", url or "")
        if url is not None and (found is None or origin(found[0]) is None):
            raise ValueError("must be an address such as https://login.example.org/.well-known/openid-configuration")
        return url

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, url: str | None) -> str | None:
        found = None if url is None else origin(url)
        if url is not None and found is None:
            raise ValueError("must be scheme, host and port and nothing else, such as https://cairn.example.org")
        return found

    @field_validator("oidc_scopes")
    @classmethod
    def _asks_who_and_which_email(cls, scopes: str) -> str:
        if not {"openid", "email"} <= set(scopes.split()):
            raise ValueError("must hold openid and email, such as: openid email profile")
        return " ".join(scopes.split())

    @field_validator("admin_emails")
    @classmethod
    def _are_emails(cls, emails: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(email.split()) != 1 or not all(email.partition("@")) or email.count("@") != 1 for email in emails):
            raise ValueError("must be e-mail addresses with commas between them")
        return tuple(dict.fromkeys(email.lower() for email in emails))

    @field_validator("allowed_email_domains")
    @classmethod
    def _are_domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        bare = tuple(dict.fromkeys(domain.lower().removeprefix("@") for domain in domains))
        if not all(_DOMAIN.fullmatch(domain) for domain in bare):
            raise ValueError("must be domains with commas between them, such as example.org")
        return bare

    @field_validator("additional_api_keys", "api_key")
    @classmethod
    def _are_long(cls, keys: Any) -> Any:
        given = keys if isinstance(keys, tuple) else () if keys is None else (keys,)
        if any(len(key.get_secret_value()) < KEY_AT_LEAST for key in given):
            raise ValueError(f"a key needs at least {KEY_AT_LEAST} characters. {HOW_TO_MAKE_ONE}")
        return keys

    @field_validator("forwarded_allow_ips", mode="before")
    @classmethod
    def _are_networks(cls, value: object) -> object:
        parts = _split(value)
        if not isinstance(parts, tuple):
            return parts
        try:
            return tuple(net for part in parts for net in (EVERYBODY if part == "*" else (ip_network(part),)))
        except ValueError:
            raise ValueError("must be addresses or networks with commas between them, or *") from None

    @field_validator("reporting_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name not in _zones():
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

    @property
    def sign_in(self) -> SignIn:
        """How people are asked who they are, once `checks.reasons` has found nothing half set."""
        if self.oidc_discovery_url is not None:
            return "oidc"
        return "none" if self.trusted_user_header is None else "header"

    @property
    def open_access(self) -> bool:
        """Under every name, nobody is asked who they are. With a sign-in ALLOW_OPEN_ACCESS opens nothing."""
        return self.allow_open_access and self.sign_in == "none"

    @property
    def api_keys(self) -> tuple[SecretStr, ...]:
        """Those of the environment."""
        return (*([self.api_key] if self.api_key else []), *self.additional_api_keys)

    @property
    def internal_docs(self) -> bool:
        """Whether the routes below /internal are documented."""
        off = self.disable_internal_docs
        return self.environment != "production" if off is None else not off

    def believes_forwarded_by(self, ip: str) -> bool:
        """Whether the X-Forwarded-For that `ip` sends is true."""
        try:
            address = ip_address(ip)
        except ValueError:
            return False
        return any(address in network for network in self.forwarded_allow_ips)

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
