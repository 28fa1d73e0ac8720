"""Words about entries of the audit."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from core.access.audit_report import Filters
from core.access.chain import Verified
from pages.common import formats
from pages.common.formats import Markdown

NOTHING = "Nothing was recorded yet. What people and programs change will stand here, with who it was and when."
ABOUT = "Each entry's hash covers the one before it: one that was changed, removed, moved or put between is found."
EXPORT = "The entries that these filters leave, the oldest first. Exporting is an entry, too."
BEFORE, AFTER = "Before", "After"
COLUMNS = ("Time", "Who", "What", "Object", "Change", "Workspace", "From")
DOORS = {
    "pages": "somebody at the pages",
    "api": "the API",
    "jobs": "Cairn itself",
    "environment": "a key of the environment",
}
ACTIONS: Mapping[str, str] = {
    "sign_in": "signed in",
    "sign_in.refused": "was not let in",
    "sign_out": "signed out",
    "user.create": "person added",
    "user.change": "person changed",
    "user.deactivate": "person deactivated",
    "user.activate": "person activated",
    "user.forget": "person forgotten",
    "member.add": "member added",
    "member.remove": "member removed",
    "workspace.create": "workspace made",
    "workspace.change": "workspace changed",
    "workspace.delete": "workspace deleted",
    "api_key.create": "API key made",
    "api_key.change": "API key renamed",
    "api_key.revoke": "API key revoked",
    "api_key.refused": "API key refused",
    "settings.change": "setting changed",
    "settings.undo": "setting undone",
    "provider_key.set": "provider's key set",
    "provider_key.remove": "provider's key removed",
    "breaker.open": "model stopped",
    "breaker.close": "model resumed",
    "budget.change": "budget changed",
    "price.add": "price set",
    "price.remove": "price removed",
    "price.book": "calls priced",
    "invoice.fetch": "invoice fetched",
    "invoice.upload": "invoice uploaded",
    "stuck.requeue": "stuck work requeued",
    "retention.change": "retention changed",
    "retention.run": "retention ran",
    "document.delete": "document deleted",
    "document.move": "document moved",
    "job.launch": "job launched",
    "job.delete": "job deleted",
    "job.move": "job moved",
    "insight.change": "insight changed",
    "insight.confirm": "insight confirmed",
    "insight.dismiss": "insight dismissed",
    "insight.merge": "insights merged",
    "insight.unmerge": "insight taken out",
    "insight.settle": "pair of insights settled",
    "insight.reopen": "pair of insights opened again",
    "insight.undo": "changes of insights undone",
    "template.change": "template made or changed",
    "template.delete": "template deleted",
    "cache.invalidate": "answers forgotten",
    "export": "exported",
    "audit.export": "audit exported",
    "access.refused": "role refused",
}
LONGEST = 200


def action(name: str, outcome: str) -> str:
    told = ACTIONS.get(name, name)
    return f"{told} (refused)" if outcome == "refused" and "refused" not in name else told


def about(told: Mapping[str, Any] | None) -> str:
    """The id of what an entry is about."""
    return str((told or {}).get("id") or "")


def thing(told: Mapping[str, Any] | None, called: Mapping[str, str]) -> str:
    """`called`: how people are called now, by id."""
    if not told:
        return ""
    name = called.get(about(told)) or told.get("name") or told.get("id")
    return " ".join(str(part) for part in (str(told.get("kind", "")).replace("_", " "), name) if part)


def sides(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """What changed, in one line: role: analyst → admin."""
    was, now = before or {}, after or {}
    told = [_changed(name, was.get(name), now.get(name)) for name in dict.fromkeys((*was, *now))]
    line = "; ".join(filter(None, told))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def _changed(name: str, was: object, now: object) -> str:
    if was == now:
        return ""
    if was is None:
        return f"{name}: {now}"
    return f"{name}: {was} → {'nothing' if now is None else now}"


def exports(filters: Filters) -> Sequence[tuple[str, str]]:
    """What each format is called, and its query."""
    given = {"user": filters.user, "action": filters.action, "from": filters.begin, "to": filters.end}
    held = [
        (name, value.isoformat() if hasattr(value, "isoformat") else value) for name, value in given.items() if value
    ]
    return [(label, urlencode([("format", kind), *held])) for kind, label in (("csv", "CSV"), ("jsonl", "JSON lines"))]


def whole(found: Verified) -> Markdown:
    entries = formats.count(found.entries, "entry", "entries")
    return f"The chain is whole: {entries}. The last hash is {formats.plain(found.head)}."


def broken(found: Verified) -> Markdown:
    return (
        f"The chain is broken: entry {found.first_broken or 0:,} is the first that does not fit, of {found.entries:,}."
    )
