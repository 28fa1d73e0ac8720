"""The figures at the top of the first page."""

import pytest

from core import overview
from tests.core.insights import world
from tests.pages.seeing import show, words

pytestmark = pytest.mark.usefixtures("database")


def test_insights_are_counted_so_far_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    world.say(world.document(world.TEXTS[3]), ["Ann works.", "Ben works.", "Cid works."])
    assert "Insights 3 3 today" in words(show("overview"))
    monkeypatch.setattr(overview, "MOST_INSIGHTS", 2)
    assert "Insights 2+ 2+ today" in words(show("overview"))
    monkeypatch.setattr(overview, "MOST_INSIGHTS", 3)
    assert "Insights 3 3 today" in words(show("overview"))
