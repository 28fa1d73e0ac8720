"""Words about who is let in."""

WHY = "Cairn holds documents that are not for everybody. Sign in with your account to go on."
ENDED = "Your sign-in has ended. Sign in again to go on."
FAILED = "The sign-in did not succeed: the provider refused it, or its answer could not be checked. Try again."
# In the address that the provider's answer leads to.
FAILED_IN_LINK = "sign_in_failed"
AT_THE_PROXY = "People sign in at the proxy before Cairn. To sign in anew, reload this page."
