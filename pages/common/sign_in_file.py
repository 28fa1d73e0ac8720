"""What Streamlit's sign-in reads of a file alone, written at each start from what the environment says."""

import json
import os
import tempfile
from pathlib import Path

from streamlit import config

from core.environment import Settings, load_settings
from core.errors import ConfigurationError
from core.runtime.derived_keys import derived

NAME = "secrets.toml"


def prepare() -> None:
    """Before the app is made: its cookies are signed with a key of that file. Without a sign-in by OIDC, Streamlit
    reads no such file, whatever lies in the account's home."""
    try:
        # Not the one that is kept: whoever imports the app to fork it has another environment.
        settings = load_settings()
    except ConfigurationError:
        return  # The app names all that is wrong when it starts.
    path = settings.data_dir.absolute() / NAME
    by_oidc = settings.sign_in == "oidc"
    if by_oidc:
        _write(path, content(settings))
    else:
        path.unlink(missing_ok=True)
    config.set_option("secrets.files", [str(path)] if by_oidc else [])
    if settings.sign_in == "header":
        # So that nobody is given the session of somebody else when a connection is taken up again.
        config.set_option("server.trustedUserHeaders", {settings.trusted_user_header: "trusted_user"})


def content(settings: Settings) -> str:
    """TOML. The key for cookies is the same in every process."""
    assert settings.oidc_client_secret is not None
    assert settings.secret_key is not None
    lines = {
        "redirect_uri": f"{settings.public_url}/oauth2callback",
        "cookie_secret": derived(settings.secret_key, "cookies of who signed in"),
        "client_id": settings.oidc_client_id,
        "client_secret": settings.oidc_client_secret.get_secret_value(),
        "server_metadata_url": settings.oidc_discovery_url,
        # Its header says how it was signed.
        "expose_tokens": ["id"],
    }
    text = "\n".join(f"{name} = {_quoted(value)}" for name, value in lines.items())
    scope = f"scope = {_quoted(settings.oidc_scopes)}"
    return f'[auth]\n{text}\nclient_kwargs = {{ {scope}, prompt = "select_account" }}\n'


def _quoted(value: object) -> str:
    """JSON's strings are TOML's, but for one character that must be escaped there."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(path: Path, content: str) -> None:
    """Whole or not at all, and for this account alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{NAME}-")
    try:
        os.close(number)
        Path(name).write_text(content, encoding="utf-8")
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
