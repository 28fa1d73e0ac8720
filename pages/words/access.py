"""Words about who is let in, people, workspaces and keys."""

from datetime import datetime

from core.access.keys import KeyView
from core.access.people import PersonView
from core.access.workspaces import WorkspaceView
from pages.common import formats
from pages.common.formats import Markdown

WHY = "Cairn holds documents that are not for everybody. Sign in with your account to go on."
ENDED = "Your sign-in has ended. Sign in again to go on."
FAILED = "The sign-in did not succeed: the provider refused it, or its answer could not be checked. Try again."
# In the address that the provider's answer leads to.
FAILED_IN_LINK = "sign_in_failed"
AT_THE_PROXY = "People sign in at the proxy before Cairn. To sign in anew, reload this page."

STATES = ("invited", "active", "deactivated")
NOBODY = (
    "Nobody has signed in yet. With a sign-in (see README) people appear here when they first come, or when they are "
    "invited. Without one everybody who reaches this machine is an admin."
)
ROLES_HELP = (
    "Analysts upload and ask. Managers also change what others made, set budgets and retention, and see all costs of "
    "their workspaces. Admins also change settings, prices, people and workspaces."
)
BY_ENVIRONMENT = "ADMIN_EMAILS makes this person an admin: take the e-mail out of the environment first."
INVITED = (
    "Nothing is sent: tell them the address of Cairn. They get in at their first sign-in with this verified e-mail."
)
FORGET = (
    "Name, e-mail and sign-in are removed for good, and the person is out. What they did stays in the audit, as done "
    "by somebody who was forgotten. It cannot be undone."
)
ABOUT_WORKSPACES = (
    "Documents, jobs, insights, costs and own templates belong to one workspace each, and nothing crosses its wall. "
    "Whoever is a member sees all of it."
)
ABOUT_KEYS = "With a key a program calls the API as you, and may do no more than you may. It ends with you."
KEYS_OF_NOBODY = (
    "Nobody is signed in, so a new key would be nobody's. Keys for programs are set by API_KEY, or made for a person "
    "by the API. As soon as there is one, no program is let in without."
)
NO_KEYS = "You have no key yet."
ROLE_OF_KEY = "What the key may do: never more than your own role at that moment."


def found(number: int, all_: int, at_once: int) -> Markdown:
    shown = f", the first {at_once:d} shown" if number > at_once else ""
    of: Markdown = "" if number == all_ else f" of {all_:,}"
    return f"{number:,}{of} people{shown}" if all_ != 1 else "1 person"


def person(one: PersonView, now: datetime) -> Markdown:
    seen = f"seen {formats.ago(one.last_seen, now)}" if one.last_seen else "never signed in"
    where = ", ".join(place.name for place in one.workspaces) or "no workspace"
    email = one.email if one.email and one.email != one.called else ""
    return formats.plain(" · ".join(filter(None, (email, where, seen))))


def holds(place: WorkspaceView) -> Markdown:
    return " · ".join(
        (
            formats.count(place.documents, "document"),
            formats.count(place.jobs, "job"),
            formats.count(place.insights, "insight"),
        )
    )


def key(one: KeyView, whose: str, now: datetime) -> Markdown:
    if one.revoked_at:
        ends = f"revoked {formats.ago(one.revoked_at, now)}"
    elif one.expires_at is None:
        ends = "never expires"
    else:
        ends = f"expires {one.expires_at:%Y-%m-%d}" if one.expires_at > now else f"expired {one.expires_at:%Y-%m-%d}"
    used = f"used {formats.ago(one.last_used_at, now)} from {one.last_used_from}" if one.last_used_at else "never used"
    where = "one workspace" if one.workspace else "all workspaces of its person"
    return formats.plain(" · ".join(filter(None, (whose, where, ends, used))))
