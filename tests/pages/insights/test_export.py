"""The control that exports insights: its links give what the page shows, or what is ticked."""

import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from api import api
from core.insights import life, report
from core.insights.life import Change
from pages.insights import export
from tests.pages import made
from tests.pages.insights.test_insights import QUOTE, STATEMENTS, select, unsupported
from tests.pages.seeing import show, unfold, words
from tests.pipeline import add_document

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def three() -> list[str]:
    """The first is dismissed, and no quote supports the second."""
    ids = made.insights(*STATEMENTS, documents=[add_document()], quote=QUOTE)
    life.change(ids[0], Change(state="dismissed"))
    unsupported(ids[1])
    return ids


def exported(at: AppTest) -> dict[str, str]:
    """The links that export: where each leads to, by its label."""
    links = [element.proto for element in at.get("link_button")]
    return {link.label: link.url for link in links if link.url.startswith(f"api/v1/{export.ADDRESS}")}


def ids(address: str) -> list[str]:
    with TestClient(api, base_url="http://localhost") as client:
        return [one["id"] for one in client.get(address.removeprefix("api/v1")).json()]


def as_json(at: AppTest) -> AppTest:
    return unfold(at, "export").segmented_control(key="export_format").set_value("json").run()


def newest_first(*found: str) -> list[str]:
    return sorted(found, reverse=True)


def test_all_that_match_are_exported(three: list[str]) -> None:
    at = unfold(show("insights", q="repairs"), "export")
    query = "format=csv&q=repairs&state=new&state=confirmed&evidence=supported&quarantined=false"
    assert exported(at) == {"Export all 1 that match": f"api/v1/insights/export?{query}"}
    assert ids(exported(as_json(at))["Export all 1 that match"]) == [three[2]]
    at = as_json(show("insights", evidence="all", state="all"))
    assert ids(exported(at)["Export all that match"]) == newest_first(three[0], three[2])
    at = at.checkbox(key="export_unsupported_False").check().run()
    assert ids(exported(at)["Export all 3 that match"]) == newest_first(*three)
    (link,) = exported(as_json(show("insights", evidence="unsupported"))).values()
    assert ids(link) == [three[1]]


def test_what_is_ticked_is_exported_alone(three: list[str]) -> None:
    place = [row.id for row in report.find().items].index
    at = select(as_json(show("insights", evidence="all", state="all")), [place(three[1]), place(three[2])])
    at = at.checkbox(key="export_unsupported_False").check().run()
    assert ids(exported(at)["Export 2 insights"]) == newest_first(three[1], three[2])
    at = at.checkbox(key="export_unsupported_False").uncheck().run()
    assert ids(exported(at)["Export 1 insight"]) == [three[2]]
    at = select(at, [place(three[1])])
    assert exported(at) == {}
    assert "No quote supports what is ticked." in words(at)
