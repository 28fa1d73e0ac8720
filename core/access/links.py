"""Links from a page to a file: signed for whoever the page is shown to, and for five minutes.

A link stands for its person: it asks again who that is, so that it ends with them. It takes a program along, such as
one that fetches files, and a browser where no cookie says who asks.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import unquote

from pydantic import SecretStr

from core.access import actor, people, signing_in
from core.access.actor import Caller
from core.environment import get_settings
from core.runtime import db, engines
from core.runtime.derived_keys import derived

LASTS = timedelta(minutes=5)
# The query parameter, which is the last one of a link.
NAME = "signed"


def signature(address: str, at: datetime) -> str:
    """For the caller. `address`: path and query as a browser will send them."""
    user, until = actor.caller().user or "", int((at + LASTS).timestamp())
    return f"{user}.{until}.{_mac(address, user, until)}"


def follower(signed: str, address: str, at: datetime) -> Caller | None:
    """Who follows this link; None where it was changed, has ended, or its person is not let in any more."""
    user, _, rest = signed.partition(".")
    until, _, mac = rest.partition(".")
    if not until.isascii() or not until.isdigit() or len(until) > 12:
        return None
    if not hmac.compare_digest(mac.encode("utf-8", "replace"), _mac(address, user, int(until)).encode()):
        return None
    if datetime.fromtimestamp(int(until), UTC) <= at:
        return None
    return _person(user) if user else _anybody()


def _person(user: str) -> Caller | None:
    with db.reading() as session:
        found = [people.view(row) for row in db.rows(session, f"{people.ONE} WHERE p.id = :id", id=user)]
    let_in = [one for one in found if one.state != "deactivated"]
    return signing_in.caller_of(let_in[0], "api") if let_in else None


def _anybody() -> Caller | None:
    """Of a page that asks nobody who they are."""
    return Caller("pages", "open", "admin") if get_settings().sign_in == "none" else None


def _mac(address: str, user: str, until: int) -> str:
    path, mark, query = address.partition("?")
    signed = f"{unquote(path)}{mark}{query}\n{user}\n{until}"
    return hmac.new(_key().encode(), signed.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _key() -> str:
    """Of SECRET_KEY, or of this installation where there is none."""
    return derived(get_settings().secret_key or _of_installation(engines.engine().url.render_as_string()), "links")


@lru_cache(maxsize=8)
def _of_installation(_database: str) -> SecretStr:
    with db.reading() as session:
        return SecretStr(db.scalar(session, "SELECT decision_salt FROM installation"))
