"""What lines of a batch that were refused as too long teach: the model's context, so that they are asked in parts.

A line that is refused costs nothing. Its request is pending again, and is split before its job sends anything.
"""

from collections.abc import Collection, Mapping

from sqlmodel import Session

from core.batch.result_files import Key, MatchedLine
from core.batch.usage_records import Account
from core.requests import refitting
from core.settings import learned_contexts
from core.tables.jobs import asks_documents

# How often such a request may go again: each time it is smaller, until it cannot be split any more.
ALWAYS = 1_000_000


def learn(session: Session, account: Account, unanswered: Mapping[Key, MatchedLine]) -> Collection[str]:
    """The messages of refusals that name the context, which is remembered; the job is then to be refitted."""
    if not asks_documents(account.template_id):
        return ()
    refused = {one.line.message for one in unanswered.values() if one.line.code == refitting.TOO_LONG}
    named = {said for said in refused if learned_contexts.named_in(said) is not None}
    batch = account.batch
    for said in sorted(named):
        learned_contexts.put(session, batch.provider, batch.base_url, batch.model, said)
    if named:
        refitting.put_back(session, [batch.job_id])
    return named
