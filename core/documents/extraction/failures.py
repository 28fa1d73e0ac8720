"""Errors of extraction: why there is no text, and what to do about it."""

from core.errors import ExtractionError


def corrupt(reason: str) -> ExtractionError:
    return ExtractionError(
        f"This file cannot be read: {reason}. Open it in its own program, save it anew, then upload it again.",
        code="CORRUPT",
    )


def unusable() -> ExtractionError:
    return corrupt("its reader gave no answer that can be used")


def too_large(reason: str) -> ExtractionError:
    return ExtractionError(f"This file is too large: {reason}. Split it, then upload the parts.", code="TOO_LARGE")


def out_of_memory() -> ExtractionError:
    return too_large("reading it takes more memory than EXTRACTION_MEMORY_MB allows")


def encrypted() -> ExtractionError:
    return ExtractionError(
        "This file is password protected: remove the password, then upload it again.", code="ENCRYPTED"
    )


def sealed() -> ExtractionError:
    return ExtractionError(
        "This mail is encrypted, by a certificate (SMIME) or by PGP: open it in its mail program, save it without "
        "encryption, then upload it again.",
        code="ENCRYPTED",
    )


def no_text() -> ExtractionError:
    return ExtractionError(
        "There is no text in this file, and OCR (text recognition) found no words in its pictures. If there are some, "
        "scan it sharper, then upload it again.",
        code="NO_TEXT",
    )


def ocr_is_off() -> ExtractionError:
    return ExtractionError(
        "There is no text in this file, and OCR (text recognition) is switched off by EXTRACTION_OCR. Switch it on, "
        "then read the file again.",
        code="NO_TEXT",
    )


def empty() -> ExtractionError:
    return ExtractionError("There is nothing in this file. Check it, then upload it again.", code="EMPTY")


def unknown_type(remedy: str) -> ExtractionError:
    return ExtractionError(f"This type of file is not read. {remedy}, then upload it again.", code="UNKNOWN_TYPE")


def timeout(seconds: float) -> ExtractionError:
    return ExtractionError(
        f"Reading this file took longer than {seconds:g} seconds. Split it, or raise EXTRACTION_SECONDS and try again.",
        code="TIMEOUT",
    )


def unforeseen() -> ExtractionError:
    return ExtractionError(
        "Cairn failed while it read this file, in a way that nobody foresaw. Read it again; if that fails, too, tell "
        "those who run Cairn the reference: their log says what it was.",
        code="INTERNAL_ERROR",
    )


def interrupted() -> ExtractionError:
    return ExtractionError("Reading was interrupted. It starts again by itself.", code="INTERRUPTED", retryable=True)
