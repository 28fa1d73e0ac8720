"""Bytes of an uploaded file to text.

The bytes are a stranger's, and libraries in C read them: that happens in a child process with no secrets, under limits
of memory and time (`process`, `parent`, `child`). What comes back is only text; its language and tokens are found here.
"""

from core.documents.extraction.formats import EXTENSIONS, SUPPORTED, media_type_of

# Not `process`: the parent of the readers holds this package in memory, and should hold no more than they need.
__all__ = ["EXTENSIONS", "SUPPORTED", "media_type_of"]
