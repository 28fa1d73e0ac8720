"""Names of components and of kinds of stuck work."""

from core.health.chain_check import AUDIT
from core.health.readings import ACCESS, PROVIDER
from core.settings import provider_rows
from core.upkeep.stuck import Kind

COMPONENTS = {
    "database": "Database",
    "scheduler": "Scheduler",
    "workers": "Workers",
    "queue": "Queue",
    "reuse": "Reused answers",
    "ocr": "Words in pictures (OCR)",
    "rights": "Rights in the database",
    "sandbox": "Sandbox of readers",
    ACCESS: "Who is let in",
    AUDIT: "Audit",
    "disk": "Disk",
    "keys": "Keys of providers",
    "models": "Models that end",
}


# In the frame of every page, where everybody is let in.
OPEN_ACCESS = "Nobody is asked who they are here: everybody who reaches this address can read and change everything."


def name(component: str) -> str:
    if component.startswith(PROVIDER):
        provider = component.removeprefix(PROVIDER)
        return provider_rows.can(provider).short_label
    return COMPONENTS.get(component, component)


# Singular, plural, and what requeueing does.
STUCK: dict[Kind, tuple[str, str, str]] = {
    "documents": ("document", "documents", "They are put back into the queue and read from the beginning."),
    "requests": (
        "request",
        "requests",
        "Their process is gone. They are sent again; what was in flight is booked as an estimate, because it may have "
        "been billed.",
    ),
    "batches": (
        "provider batch",
        "provider batches",
        "Their next step keeps failing. Correct what the reason says, then requeue: the step is made at once.",
    ),
    "answers": ("answer", "answers", "They are paid for and kept. Requeue to make their results and insights."),
    "tasks": ("task", "tasks", "They are forgotten, and what they were about is queued again as it is due."),
}
