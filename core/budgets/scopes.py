"""Which budgets a job, a single text or a usage record counts for."""

from core.tables.budgets import Scope


def applies(workspace: str, user: str, template: str, collections: str, provider: str) -> str:
    """SQL condition: budget b counts what has these values, which are SQL expressions. `collections` is an array."""
    return f"""(CASE b.scope WHEN 'all' THEN true WHEN 'workspace' THEN b.key = {workspace}
      ELSE b.workspace_id = {workspace} AND CASE b.scope WHEN 'user' THEN b.key = {user}
        WHEN 'template' THEN b.key = {template} WHEN 'collection' THEN b.key = ANY({collections})
        WHEN 'provider' THEN b.key = {provider} END END)"""


OF_JOB = applies("j.workspace_id", 'j."user"', "j.template_id", "j.collections", "j.provider")
OF_RECORD = applies("u.workspace_id", 'u."user"', "u.template_id", "ARRAY[u.collection]", "u.provider")
# A single text has no document and so no collection.
OF_SINGLE = applies(
    "r.single ->> 'workspace_id'",
    "r.single ->> 'user'",
    "r.single ->> 'template_id'",
    "CAST('{}' AS text[])",
    "r.single ->> 'provider'",
)


def words(scope: Scope, key: str) -> str:
    """The budget by name, within a sentence."""
    return "the budget of everything" if scope == "all" else f"the budget of the {scope} {key}"
