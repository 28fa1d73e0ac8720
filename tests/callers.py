"""Who asks, in tests."""

from core.access.actor import Caller, Role


def by(user: str, role: Role | None = "admin", *workspaces: str) -> Caller:
    """Somebody who is signed in; a member of these workspaces, or of every one."""
    return Caller("api", "session", role, user, workspaces=workspaces or None)
