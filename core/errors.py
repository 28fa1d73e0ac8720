"""Every failure Cairn explains to a person or a program.

The class docstring is the default message. `code` is stable and machine-readable, `retryable` says whether the
same call may succeed later, and a message names what to do next.
"""

from typing import Any


class CairnError(Exception):
    """Something went wrong in Cairn."""

    code = "INTERNAL_ERROR"
    retryable = False
    # Facts for programs, ready for JSON, where the message alone does not do.
    detail: Any = None

    def __init__(self, message: str | None = None, *, code: str | None = None, retryable: bool | None = None):
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable
        super().__init__(self.message)


class InvalidInput(CairnError):
    """The input was not accepted. Correct it and send it again."""

    code = "VALIDATION_ERROR"


class NotFound(CairnError):
    """There is no such object. It may have been deleted."""

    code = "NOT_FOUND"


class Unauthorized(CairnError):
    """Cairn does not know who asks. Sign in, or send a valid API key."""

    code = "UNAUTHORIZED"


class Forbidden(CairnError):
    """This is not for your role. Ask an admin of Cairn if it should be."""

    code = "FORBIDDEN"

    def __init__(self, message: str | None = None, *, action: str = ""):
        super().__init__(message)
        # What was refused, for the audit.
        self.action = action


class WorkspaceNeeded(InvalidInput):
    """You are a member of several workspaces: name one by X-Workspace."""

    code = "WORKSPACE_NEEDED"


class TooMany(CairnError):
    """There were too many calls. Wait, and call again."""

    code = "RATE_LIMITED"
    retryable = True

    def __init__(self, message: str | None = None, *, retry_after: float = 1):
        super().__init__(message)
        # Seconds.
        self.retry_after = retry_after


class Conflict(CairnError):
    """The object's state does not allow this now. Reload it and look at its state."""

    code = "CONFLICT"


class NotConfirmed(CairnError):
    """This costs more than may go without a word. Look at the price and confirm it."""

    code = "NOT_CONFIRMED"


class BudgetExceeded(CairnError):
    """A budget has no room for this. Ask a manager to raise it, or wait for the next month."""

    code = "BUDGET_EXCEEDED"


class Unavailable(CairnError):
    """A part of Cairn is not reachable at the moment. Try again shortly."""

    code = "UNAVAILABLE"
    retryable = True


class ConfigurationError(CairnError):
    """A setting is missing or wrong. Correct the environment and start again."""

    code = "CONFIGURATION_ERROR"


class ExtractionError(CairnError):
    """No text could be taken from this document. Convert it to another format and upload it again."""

    code = "EXTRACTION_FAILED"


class ProviderError(CairnError):
    """The provider did not answer the call.

    `status` is its HTTP status (None without a response), `retry_after` the seconds it asked us to wait, `limits` what
    its headers report of its rate limits.
    `heard` is False when the outcome is unknown: the call may have been carried out, and billed, without an answer.
    """

    code = "PROVIDER_ERROR"

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        retryable: bool | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        heard: bool = True,
    ):
        super().__init__(message, code=code, retryable=retryable)
        self.status = status
        self.retry_after = retry_after
        self.heard = heard
        self.limits: tuple[Any, ...] = ()
        # A refusal as the server worded it, with its code and the parameter that it names.
        self.refusal = ""
