"""Who gets in: an identity that a provider, or the proxy before us, vouches for becomes a person.

A sign-in counts for SESSION_HOURS, by a row of ours that signing out or deactivating ends, in every process at once:
each run of a page and each call reads it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from core.access import actor, audit, people
from core.access.actor import Caller, Door
from core.access.people import PersonView
from core.environment import get_settings
from core.errors import Unauthorized
from core.runtime import db, workspace
from core.runtime.text import storable


@dataclass(frozen=True)
class Identity:
    """What a sign-in tells. `verified`: of the e-mail."""

    source: people.Source
    issuer: str
    subject: str
    email: str | None
    verified: bool
    name: str = ""


class Ended(Unauthorized):
    """Your sign-in has ended. Sign in again."""


class NotLetIn(Unauthorized):
    """Cairn does not know you. Ask an admin to invite you."""

    code = "NOT_LET_IN"


def begin(
    identity: Identity,
    proof: str,
    at: datetime,
    *,
    issued_at: datetime | None = None,
    once: str | None = None,
    ip: str | None = None,
) -> PersonView:
    """Let somebody in, for as long as this sign-in counts from `issued_at` on. `proof` is what the browser shows again
    each time, such as its cookies: only its hash is stored. With `once` there is one sign-in with it, and none again
    after that has ended; without it, who vouches does so for every sign-in anew.

    Raises NotLetIn, with an audit entry of the refusal.
    """
    who = Caller("pages", "session", None, ip=ip)
    try:
        with db.transaction() as session, actor.bound(who):
            person = _taken_in(session, identity, at)
            ends = (issued_at or at) + timedelta(hours=get_settings().session_hours)
            if ends <= at:
                raise NotLetIn("This sign-in is too old. Sign in again.")
            once = once and _hashed(once)
            _keep_to_one(session, once, _hashed(proof))
            given = {"person": person.id, "at": at, "ends": ends, "ip": ip, "once": once}
            if db.execute(session, BEGIN, id=_hashed(proof), **given):
                with actor.bound(Caller("pages", "session", person.role, user=person.id, ip=ip)):
                    told = {"source": identity.source}
                    audit.write(session, "sign_in", "user", person.id, after=told, of_machine=True)
            elif not db.scalar(session, COUNTS, id=_hashed(proof), person=person.id, at=at):
                raise NotLetIn(USED)
            return person
    except NotLetIn as refused:
        note_refusal(identity, refused, who)
        raise


def _keep_to_one(session: Session, once: str | None, id_: str) -> None:
    sql = "SELECT 1 FROM sign_in WHERE once = :once AND id <> :id"
    if once is not None and db.scalar(session, sql, once=once, id=id_):
        raise NotLetIn(USED)


USED = "This sign-in was used before. Sign in again."
# Nothing changes where another tab of the same browser has begun it meanwhile.
BEGIN = """
INSERT INTO sign_in (id, person_id, started_at, ends_at, ip, once) VALUES (:id, :person, :at, :ends, :ip, :once)
ON CONFLICT (id) DO UPDATE SET person_id = excluded.person_id, started_at = excluded.started_at,
  ends_at = excluded.ends_at, ended_at = NULL, ip = excluded.ip
WHERE sign_in.once IS NULL
"""
COUNTS = "SELECT 1 FROM sign_in WHERE id = :id AND person_id = :person AND ended_at IS NULL AND ends_at > :at"


def note_refusal(identity: Identity, refused: NotLetIn, who: Caller) -> None:
    """Keep that somebody was not let in, and why."""
    told = {"source": identity.source, "issuer": storable(identity.issuer), "reason": storable(refused.message)}
    with db.transaction() as session, actor.bound(who):
        audit.write(
            session,
            "sign_in.refused",
            "user",
            name=storable(identity.email or ""),
            after=told,
            of_machine=True,
            outcome="refused",
        )


def _taken_in(session: Session, identity: Identity, at: datetime) -> PersonView:
    db.execute(session, "SELECT pg_advisory_xact_lock(hashtext('people'))")
    sql = "SELECT id, state FROM person WHERE issuer = :issuer AND subject = :subject"
    known = db.row(session, sql, issuer=identity.issuer, subject=identity.subject)
    if known is not None and known.state == "deactivated":
        raise NotLetIn(f"You may no longer use Cairn. {whom_to_ask()}")
    email = (identity.email or "").strip()
    if not email or not identity.verified:
        what = f"tells no e-mail that is verified (it says {email!r})" if email else "tells no e-mail"
        raise NotLetIn(f"Your sign-in {what}, and Cairn lets nobody in without one. {whom_to_ask()}")
    id_ = known.id if known else _invited(session, identity, email) or _made(session, identity, email)
    db.execute(session, SEEN, id=id_, email=email, name=identity.name.strip()[: people.MOST_CHARACTERS], at=at)
    return people.find(session, id_)


SEEN = """
UPDATE person SET email = :email, name = coalesce(nullif(:name, ''), name), state = 'active', last_seen_at = :at
WHERE id = :id
"""


def _invited(session: Session, identity: Identity, email: str) -> str | None:
    """Of those whom somebody invited by this e-mail, and who never signed in."""
    taken: str | None = db.scalar(
        session, TAKE_OVER, email=email, issuer=identity.issuer, subject=identity.subject, source=identity.source
    )
    return taken


TAKE_OVER = """
UPDATE person SET issuer = :issuer, subject = :subject, source = :source
WHERE id = (SELECT id FROM person WHERE lower(email) = lower(:email) AND state = 'invited' AND subject IS NULL LIMIT 1)
RETURNING id
"""


def _made(session: Session, identity: Identity, email: str) -> str:
    domain = email.rpartition("@")[2].lower()
    if not people.is_admin_by_environment(email) and domain not in get_settings().allowed_email_domains:
        raise NotLetIn(f"Nobody has invited {email} to Cairn. {whom_to_ask()}")
    made = people.insert(
        session,
        email=email,
        name="",
        role="analyst",
        state="active",
        source=identity.source,
        issuer=identity.issuer,
        subject=identity.subject,
    )
    people.add_member(session, workspace.DEFAULT, made)
    audit.write(session, "user.create", "user", made, name=email, after={"source": identity.source}, of_machine=True)
    return made


def whom_to_ask() -> str:
    admins = get_settings().admin_emails
    return f"Ask {' or '.join(admins[:3])}." if admins else "Ask an admin of Cairn."


@dataclass(frozen=True)
class SignedIn:
    """A sign-in that counts, and who it is."""

    person: PersonView
    ends_at: datetime
    # The workspace that was last chosen in it.
    workspace: str | None = None

    def caller(self, door: Door, *, ip: str | None = None, request_id: str | None = None) -> Caller:
        return caller_of(self.person, door, ip=ip, request_id=request_id)


def caller_of(person: PersonView, door: Door, *, ip: str | None = None, request_id: str | None = None) -> Caller:
    """Somebody who is signed in."""
    members = tuple(one.id for one in person.workspaces)
    return Caller(door, "session", person.role, person.id, workspaces=members, ip=ip, request_id=request_id)


def vouched(identity: Identity) -> PersonView | None:
    """Who that is, of those who have signed in before and may still come in."""
    sql = f"{people.ONE} WHERE p.issuer = :issuer AND p.subject = :subject AND p.state = 'active'"
    with db.reading() as session:
        row = db.row(session, sql, issuer=identity.issuer, subject=identity.subject)
    return None if row is None else people.view(row)


def known(proof: str, at: datetime) -> SignedIn | None:
    """None: there was no sign-in with this proof. Raises Ended, or NotLetIn where the person was deactivated."""
    with db.reading() as session:
        row = db.row(session, SIGNED_IN, id=_hashed(proof))
    if row is None:
        return None
    if row.state == "deactivated":
        raise NotLetIn(f"You may no longer use Cairn. {whom_to_ask()}")
    if row.ended_at is not None or row.ends_at <= at:
        raise Ended
    return SignedIn(people.view(row), row.ends_at, row.chosen)


SIGNED_IN = people.ONE.replace("SELECT", "SELECT s.ends_at, s.ended_at, s.workspace AS chosen,", 1).replace(
    "FROM person p\n", "FROM sign_in s JOIN person p ON p.id = s.person_id WHERE s.id = :id"
)


def choose(proof: str, workspace_id: str) -> None:
    """The workspace that pages of this sign-in open in from now on."""
    with db.transaction() as session:
        db.execute(
            session, "UPDATE sign_in SET workspace = :chosen WHERE id = :id", id=_hashed(proof), chosen=workspace_id
        )


def end(proof: str, at: datetime) -> None:
    """Sign out: what the browser keeps lets nobody in again."""
    with db.transaction() as session:
        sql = "UPDATE sign_in SET ended_at = :at WHERE id = :id AND ended_at IS NULL RETURNING person_id"
        person = db.scalar(session, sql, id=_hashed(proof), at=at)
        if person is not None:
            audit.write(session, "sign_out", "user", person, of_machine=True)


def _hashed(proof: str) -> str:
    return hashlib.sha256(proof.encode()).hexdigest()
