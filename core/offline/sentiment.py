"""Sentiment by VADER's word list, sentence by sentence. It knows English only, and no irony."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

TELLS = 0.05
# Sober prose has more kind words than unkind ones; less than this is no praise.
LEANS = 0.1
# Both sides are there when the weaker one has this share of all that is felt, and enough is felt at all.
WEAKER_SIDE = 0.3
FELT = 0.15
SURE_AFTER_SENTENCES = 10

UNKNOWN: dict[str, Any] = {"sentiment": "neutral", "score": 0.0, "confidence": 0.0}


def judge(sentences: Sequence[str]) -> dict[str, Any]:
    score_of = {sentence: _analyzer().polarity_scores(sentence)["compound"] for sentence in set(sentences)}
    scores = [score_of[sentence] for sentence in sentences]
    good = sum(score for score in scores if score >= TELLS)
    bad = -sum(score for score in scores if score <= -TELLS)
    telling = sum(abs(score) >= TELLS for score in scores)
    if not telling:
        return dict(UNKNOWN)
    score = (good - bad) / len(scores)
    label = _label(score, good, bad, len(scores))
    confidence = _agreement(label, good, bad, len(scores)) * _evidence(telling)
    return {"sentiment": label, "score": round(score, 3), "confidence": round(confidence, 2)}


def _label(score: float, good: float, bad: float, sentences: int) -> str:
    if min(good, bad) >= WEAKER_SIDE * (good + bad) and good + bad >= FELT * sentences:
        return "mixed"
    if abs(score) < LEANS:
        return "neutral"
    return "positive" if score > 0 else "negative"


def _agreement(label: str, good: float, bad: float, sentences: int) -> float:
    if label == "mixed":
        return min(good, bad) / max(good, bad)
    if label == "neutral":
        return 1 - (good + bad) / sentences
    return abs(good - bad) / (good + bad)


def _evidence(telling: int) -> float:
    return 0.5 + 0.5 * min(1.0, telling / SURE_AFTER_SENTENCES)


@lru_cache(maxsize=1)
def _analyzer() -> "SentimentIntensityAnalyzer":
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
