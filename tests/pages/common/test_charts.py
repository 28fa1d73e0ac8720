"""Charts: a colour per name, ranges that fit what there is, points that are drawn, a table behind each."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import plotly.graph_objs as go
import pytest
from streamlit.testing.v1 import AppTest

from pages.common import charts
from pages.common.charts import COLOURS, OTHERS, Chart, DaySeries, TimeSeries, colour, lines, stacked_days, states

HOURS = [datetime(2026, 11, 21, hour, tzinfo=UTC) for hour in (1, 2, 3)]
TODAY = datetime(2026, 11, 30, 9, tzinfo=UTC)


def data(chart: Chart) -> list[Any]:
    return list(chart.figure["data"])


def luminance(hexadecimal: str) -> float:
    parts = [int(hexadecimal[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_each_colour_is_told_from_both_backgrounds() -> None:
    for one in (*COLOURS, OTHERS):
        for background in ("#ffffff", "#0e1117"):
            dark, light = sorted((luminance(one), luminance(background)))
            assert (light + 0.05) / (dark + 0.05) >= 3, (one, background)
    assert OTHERS not in COLOURS


def test_a_name_keeps_its_colour_and_shares_none_while_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "_given", {})
    names = [f"model {number}" for number in range(len(COLOURS))]
    first = [colour(name) for name in names]
    assert {*first} == {*COLOURS}
    assert [colour(name) for name in reversed(names)] == first[::-1]
    assert colour("one more") in COLOURS


def test_bars_of_one_model_have_one_colour_and_others_are_grey() -> None:
    day = ["2026-11-30"]
    read = DaySeries("gpt, input", day, [10], of="gpt")
    written = DaySeries("gpt, output", day, [5], of="gpt", pale=True)
    rest = DaySeries("others", day, [1], others=True)
    bars = [bar["marker"] for bar in data(stacked_days("Tokens", [read, written, rest], TODAY, TODAY))]
    assert [bar["color"] for bar in bars] == [colour("gpt"), colour("gpt"), OTHERS]
    assert ["pattern" in bar for bar in bars] == [False, True, False]


@pytest.mark.parametrize(
    ("first", "days", "begun"),
    [("2026-11-30", 7, "2026-11-24"), ("2026-11-10", 21, "2026-11-10"), ("2026-10-01", 31, "2026-10-31")],
)
def test_days_begin_with_the_first_value_within_the_period(first: str, days: int, begun: str) -> None:
    one = DaySeries("gpt", [first, "2026-11-30"], [1, 2])
    chart = stacked_days("Spent", [one], TODAY - timedelta(days=30), TODAY, "$")
    (bars,) = data(chart)
    assert (len(bars["x"]), bars["x"][0], bars["x"][-1], bars["y"][-1]) == (days, begun, "2026-11-30", 2)
    assert chart.table == {"Day": bars["x"], "gpt": bars["y"]}
    assert [end[:10] for end in chart.figure["layout"]["xaxis"]["range"]] == [_before(begun), "2026-11-30"]


def _before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def test_a_series_without_a_value_is_left_out() -> None:
    none, some = DaySeries("none", ["2026-11-30"], [0]), DaySeries("some", ["2026-11-30"], [1])
    assert stacked_days("Spent", [none, some], TODAY, TODAY).names == ["some"]


def test_lines_leave_gaps_and_show_a_point_between_two() -> None:
    drawn = lines("Within", [TimeSeries("OpenAI", HOURS, [1.0, None, 3.0])], HOURS[0], HOURS[-1], " ms")
    (line,) = data(drawn)
    assert (line["y"], line["connectgaps"], line["mode"]) == ([1.0, None, 3.0], False, "lines+markers")
    (whole,) = data(lines("Within", [TimeSeries("OpenAI", HOURS, [1.0, 2.0, 3.0])], HOURS[0], HOURS[-1]))
    assert whole["mode"] == "lines"


def test_stripes_are_green_only_where_all_was_well() -> None:
    rows = [TimeSeries("Disk", HOURS, [1.0, None, 0.0]), TimeSeries("Queue", HOURS, [1, 1, 1])]
    (heat,) = data(states("Well or not", rows, HOURS[0], HOURS[-1]))
    assert (heat["y"], heat["z"]) == (["Disk", "Queue"], [[1.0, None, 0.0], [1, 1, 1]])
    assert (heat["zmin"], heat["zmax"], heat["colorscale"][-1]) == (0, 1, [1, charts.WELL])


def test_times_stand_in_the_zone_of_the_reader() -> None:
    at = AppTest.from_string(PAGE)
    at.context["timezone"] = "Asia/Tokyo"
    figure = json.loads(at.run().get("plotly_chart")[0].proto.spec)
    assert figure["data"][0]["x"] == ["2026-11-21 10:00:00"]
    assert figure["layout"]["xaxis"]["range"][0] == "2026-11-21 10:00:00"


PAGE = """
from datetime import UTC, datetime
from pages.common import charts
at = datetime(2026, 11, 21, 1, tzinfo=UTC)
charts.show(charts.lines("Within", [charts.TimeSeries("OpenAI", [at], [1.0])], at, at), "within")
"""


def test_the_figures_of_a_chart_are_a_table_once_they_are_opened() -> None:
    at = AppTest.from_string(PAGE)
    assert not at.run().dataframe
    at.session_state["within-figures"] = True
    (table,) = at.run().dataframe
    assert table.value.to_dict("list") == {"Time": ["2026-11-21 01:00"], "OpenAI": [1.0]}


def test_names_are_columns_in_one_line_and_told_apart() -> None:
    names = ["a\nb", "a b", "", "Time"]
    drawn = lines("Within", [TimeSeries(name, HOURS, [1, 2, 3]) for name in names], HOURS[0], HOURS[-1])
    assert [*drawn.table] == ["Time", "a b", "a b (2)", "–", "Time (4)"]


def test_a_chart_shows_no_tags_of_a_name() -> None:
    name = "<a href='http://evil.example'>gpt & <b>\n"
    shown = "&lt;a href='http://evil.example'&gt;gpt &amp; &lt;b&gt;"
    (drawn,) = data(lines("Within", [TimeSeries(name, HOURS, [1, 2, 3])], HOURS[0], HOURS[-1]))
    assert (drawn["name"], "evil" in drawn["hovertemplate"]) == (shown, False)
    assert data(states("Well", [TimeSeries(name, HOURS, [1, 1, 1])], HOURS[0], HOURS[-1]))[0]["y"] == [shown]
    assert data(stacked_days("Spent", [DaySeries(name, ["2026-11-28"], [1])], TODAY, TODAY))[0]["name"] == shown


def test_plotly_knows_all_that_a_figure_says_and_the_theme_goes_along() -> None:
    one = TimeSeries("gpt", HOURS, [1, None, 3])
    for chart in (
        lines("Within", [one], HOURS[0], HOURS[-1], " ms"),
        states("Well", [one], HOURS[0], HOURS[-1]),
        stacked_days("Spent", [DaySeries("gpt", ["2026-11-28"], [1], pale=True)], TODAY, TODAY, "$"),
        charts.stacked("Calls", ["a", "b"], [charts.Stack("gpt", [1, 2]), charts.Stack("x", [1, 0], others=True)]),
    ):
        go.Figure(**chart.figure)
    with pytest.raises(ValueError, match="nothing"):
        go.Figure(data=[{"type": "bar", "nothing": 1}])
    drawn = json.loads(AppTest.from_string(PAGE).run().get("plotly_chart")[0].proto.spec)
    assert drawn["layout"]["template"] == json.loads(go.Figure().to_json())["layout"]["template"]
