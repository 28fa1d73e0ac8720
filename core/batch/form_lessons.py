"""What refused lines of a batch teach: in which other form the server takes the questions, so that they go again.

A line that is refused costs nothing, and every question of its batch has the same form.
"""

from collections.abc import Collection, Mapping

from sqlmodel import Session

from core.batch.result_files import Key, MatchedLine
from core.batch.usage_records import Account
from core.providers import forms
from core.runtime import db
from core.settings import learned_forms

# Different refusals in one block of lines that are looked at.
MOST = 3


def learn(session: Session, account: Account, unanswered: Mapping[Key, MatchedLine]) -> Collection[str]:
    """The messages of refusals that another form answers, which is remembered. Of requests of one's own none."""
    if account.template_id is None:
        return ()
    refused = {matched.line.message: key for key, matched in unanswered.items() if matched.line.code in MAY_BE}
    return {said for said, (request, _) in list(refused.items())[:MOST] if _teaches(session, account, said, request)}


MAY_BE = ("invalid_request", "server_error")


def _teaches(session: Session, account: Account, said: str, request: int) -> bool:
    batch = account.batch
    body = db.scalar(session, "SELECT body FROM request_body WHERE request_id = :request", request=request)
    if not isinstance(body, dict) or "messages" not in body:
        return False
    named = (batch.provider, batch.base_url, batch.model)
    form = learned_forms.of(*named)
    following = forms.next_form(said, form, forms.fitted(body, form))
    if following is None:
        # It was sent before the form was learned that answers this.
        return form != forms.AS_BUILT and forms.next_form(said, forms.AS_BUILT, body) is not None
    learned_forms.put(session, *named, following, said)
    return True
