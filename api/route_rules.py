"""What is known of a route by its address alone: which role it takes, whether a workspace, whether a browser may.

Only what a role decides by itself stands here, so that it is refused before a body is read. What depends on the thing,
such as who made it, the use cases of core ask.
"""

import re
from dataclasses import dataclass

from core.access.roles import Action

# Outside of the API, for whoever has a key or is signed in. The second is Streamlit's.
METRICS = ("/metrics", "/_stcore/metrics")
_PAGES_OF_DOCUMENTATION = r"/docs|/redoc|/openapi\.json|/docs-files/.*"
# What pages link to, and all that a browser's sign-in is enough for.
_FOR_BROWSERS = re.compile(
    rf"/auth/status|/documents/[^/]+/(original|pages/[^/]+/image)|/jobs/[^/]+/output|/templates/[^/]+/matrix"
    rf"|(/[a-z]+)+/export|(/internal)?({_PAGES_OF_DOCUMENTATION})",
    re.DOTALL,
)
# Of the machine, or of all workspaces that one may see.
_WITHOUT_WORKSPACE = re.compile(
    rf"/(auth|users|api-keys|workspaces|audit|providers)(/.*)?|/internal/(?!cache/).*|{_PAGES_OF_DOCUMENTATION}",
    re.DOTALL,
)


@dataclass(frozen=True)
class Rule:
    """`methods` empty: all of them."""

    methods: str
    pattern: str
    action: Action | None

    def fits(self, method: str, path: str) -> bool:
        return (not self.methods or method in self.methods.split()) and bool(
            re.fullmatch(self.pattern, path, re.DOTALL)
        )

    @property
    def route(self) -> str:
        """Its name in the audit."""
        return f"{self.methods} {self.pattern}".strip()


@dataclass(frozen=True)
class Needed:
    action: Action
    route: str


WRITING = "POST PUT PATCH DELETE"
# The first that fits counts.
RULES = (
    Rule("GET HEAD", "/internal/(monitoring|resilience)/health", None),
    Rule("", "/internal/cache/.*", None),
    Rule("", rf"/internal({_PAGES_OF_DOCUMENTATION})", "internal_docs.read"),
    Rule("", "/internal/resilience/circuit-breakers(/.*)?", "breaker.change"),
    Rule("", "/internal(/.*)?", "settings.change"),
    Rule("GET HEAD", "/users/[^/]+", None),
    Rule("", "/users(/.*)?", "people.change"),
    Rule("", "/workspaces/[^/]+/members(/.*)?", "workspace.change"),
    Rule(WRITING, "/workspaces(/.*)?", "workspace.change"),
    Rule("", "/audit/verify", "audit.verify"),
    Rule("", "/audit(/.*)?", "audit.read"),
    Rule(WRITING, "/providers(/.*)?", "settings.change"),
    Rule(WRITING, "/prices(/.*)?", "price.change"),
    Rule(WRITING, "/usage/unpriced/price", "price.change"),
    Rule("", "/usage/(unpriced|forecast|anomalies|advice)", "usage.read_all"),
    Rule("", "/invoices(/.*)?", "invoice.read"),
    Rule(WRITING, "/budgets(/.*)?", "budget.change"),
    Rule("POST", "/jobs/[^/]+/approve", "budget.approve"),
)


def asks_for(method: str, path: str) -> Needed | None:
    rule = next((rule for rule in RULES if rule.fits(method, path.rstrip("/") or "/")), None)
    return None if rule is None or rule.action is None else Needed(rule.action, rule.route)


def needs_no_workspace(path: str) -> bool:
    return _WITHOUT_WORKSPACE.fullmatch(path) is not None


def tells_of_the_database(method: str, path: str) -> bool:
    return method in ("GET", "HEAD") and path in (*METRICS, "/internal/monitoring/health")


def for_browsers(path: str, query: bytes) -> bool:
    """A matrix only as a file."""
    return path in METRICS or (
        _FOR_BROWSERS.fullmatch(path) is not None and (not path.endswith("/matrix") or b"format=" in query)
    )
