"""Secrets in the database are sealed: a copy of the database, or of its backup, opens none of them.

What opens them is SECRET_KEY, on every machine the same. Where Cairn runs its own PostgreSQL and none is set, it is a
file in DATA_DIR that only this account can read. To change SECRET_KEY, the old one becomes SECRET_KEY_PREVIOUS: it
still opens what it sealed.
"""

import os
import secrets
import threading
from base64 import urlsafe_b64encode
from pathlib import Path

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.environment import HOW_TO_MAKE_ONE, get_settings, is_weak
from core.errors import ConfigurationError

log = structlog.get_logger()
FILE = "secret.key"
_making = threading.Lock()


def obstacle() -> str | None:
    """Why nothing can be sealed here, and what to do."""
    settings = get_settings()
    if settings.secret_key is not None:
        weak = is_weak(settings.secret_key.get_secret_value())
        return f"SECRET_KEY needs at least 32 random characters. {HOW_TO_MAKE_ONE} Then start again." if weak else None
    if settings.database_url is None:
        return None
    return (
        "A key is stored sealed, and nothing is set to seal it with. Set SECRET_KEY, the same for every process, and "
        f"start again. {HOW_TO_MAKE_ONE}"
    )


def seal(secret: str) -> str:
    """Raises ConfigurationError where that is not possible."""
    if reason := obstacle():
        raise ConfigurationError(reason)
    if get_settings().secret_key is None:
        _make_file()
    seals = _seals()
    if not seals:
        raise ConfigurationError(
            f"{_path()} holds no key that could be read. Put it back as it was, or remove it and enter the keys anew."
        )
    return seals[0].encrypt(secret.encode()).decode()


def opened(sealed: str) -> str | None:
    """None where it was sealed with what this process does not have."""
    found = _seals()
    if not found:
        return None
    try:
        return MultiFernet(found).decrypt(sealed).decode()
    except InvalidToken:
        return None


def _seals() -> list[Fernet]:
    """The first one seals, all of them open."""
    settings = get_settings()
    now, previous = (
        [_derived(one.get_secret_value())] if one else [] for one in (settings.secret_key, settings.secret_key_previous)
    )
    return [*now, *_of_file(), *previous]


def _of_file() -> list[Fernet]:
    try:
        return [Fernet(_path().read_bytes())]
    except FileNotFoundError:
        return []
    except (PermissionError, ValueError) as error:
        log.warning("the file with the key to what is sealed cannot be used", file=str(_path()), reason=str(error))
        return []


def _derived(secret: str) -> Fernet:
    key = HKDF(SHA256(), 32, salt=None, info=b"cairn: sealed settings").derive(secret.encode())
    return Fernet(urlsafe_b64encode(key))


def _path() -> Path:
    return get_settings().data_dir / FILE


def _make_file() -> None:
    """Write the key file whole or not at all, and never over another one: what that one sealed would be lost."""
    path = _path()
    with _making:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{FILE}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(scratch, path)
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
