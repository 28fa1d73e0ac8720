"""Stand-in until the engine's modules are joined."""

from dataclasses import dataclass

VERSION = "0"


@dataclass(frozen=True)
class OfflineAnswer:
    result: dict


def answer(operation, text, params, fields=(), prompt="", insights=False):
    sentences = [s.strip() for s in text.split(".") if len(s.split()) > 6]
    if operation == "key_points":
        return OfflineAnswer(
            {"points": [{"statement": " ".join(s.split()), "quote": s} for s in sentences[: params.get("count", 5)]]}
        )
    return OfflineAnswer({"summary": sentences[0]})
