"""Bytes of an uploaded file to text.

The bytes are a stranger's, and libraries in C read them: that happens in a child process with no secrets, under limits
of memory and time (`process`, `parent`, `child`). What comes back is only text; its language and tokens are found here.
"""

from core.documents.extraction.formats import EXTENSIONS, SUPPORTED, media_type_of
from core.documents.extraction.process import Extracted, ExtractionLimits, extract

__all__ = ["EXTENSIONS", "SUPPORTED", "Extracted", "ExtractionLimits", "extract", "media_type_of"]
