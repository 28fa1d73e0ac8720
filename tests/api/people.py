"""People and their keys, as admins make them, for calls in their name."""

from core.access import keys, people
from core.access.actor import Role
from core.access.keys import KeySpec, KeyView
from core.runtime import shared_clock


def person(name: str, role: Role = "analyst", *workspaces: str) -> str:
    """The id of somebody who was invited; a member of `default` where no workspace is named."""
    return people.invite(f"{name}@example.com", name=name, role=role, workspaces=workspaces or ["ws_default"]).id


def key_of(user: str, **given: object) -> tuple[KeyView, dict[str, str]]:
    """A key of this person, and the headers of calls with it."""
    made, secret = keys.make(KeySpec("for a test", user=user, **given), shared_clock.now())  # type: ignore[arg-type]
    return made, {"Authorization": f"Bearer {secret}"}
