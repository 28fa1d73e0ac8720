"""Foreign words decide nothing: a lint over the source of all pages, and every page full of hostile words."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from streamlit.testing.v1 import AppTest

from pages.common import formats
from pages.common.look import FRAME
from pages.parts.sending import WATCH
from tests import hostile
from tests.pages.foreign_words import Lint, Module, is_of_figures, modules
from tests.pages.seeing import opened, press

ROOT = Path(__file__).resolve().parents[2]


def test_whatever_pages_render_is_ours_or_escaped() -> None:
    assert list(Lint(modules(ROOT)).findings()) == []


def found_in(source: str) -> list[str]:
    page = Module("pages.example", Path("example.py"), ast.parse(f"{HEAD}\n{source}"))
    return list(Lint([*modules(ROOT, "pages/common"), page]).findings_in(page))


HEAD = """
import html
import streamlit as st
from core.providers import capabilities
from pages.common import failures, formats, widgets
ICONS = {"a": ":material/home:"}
"""


@pytest.mark.parametrize(
    "source",
    [
        "st.markdown(row.name)",
        "st.error(error.message, icon=':material/error:')",
        "st.error(str(error))",
        "st.caption(f'In {row.name}')",
        "st.caption('In ' + row.name)",
        "st.caption('In {}'.format(row.name))",
        "st.caption('In %s' % row.name)",
        "st.caption(', '.join(row.name for row in rows))",
        "st.caption(row.name if row.name else 'none')",
        "st.button('x', help=row.name)",
        "st.metric('x', row.name)",
        "st.metric('x', '1', delta=row.name)",
        "st.progress(0.5, text=row.name)",
        "st.expander(row.name)",
        "st.tabs([row.name])",
        "st.toast(st.session_state['notice'])",
        "st.title(st.query_params['id'])",
        "left.caption(row.name)",
        "(st.caption if row else st.warning)(row.name)",
        "show = st.success if well else st.error\nshow(row.name)",
        "name = row.name\nst.markdown(name)",
        "name = formats.plain(row.name)\nname += row.error\nst.markdown(name)",
        "parts = ['a']\nparts.append(row.name)\nst.markdown(' '.join(parts))",
        "for name in names:\n    st.markdown(name)",
        "if name := row.name:\n    st.markdown(name)",
        "def show(name: str) -> None:\n    st.markdown(name)",
        "def told(row) -> formats.Markdown:\n    return row.name",
        "def told(row) -> str:\n    return 'x'\nst.markdown(told(row))",
        "widgets.figure(row.name, 3)",
        "widgets.empty('x', 'page.py', label=row.name)",
        "st.html(f'<b>{row.name}</b>')",
        "st.html(formats.plain(row.name))",
        "try:\n    pass\nexcept Exception as error:\n    st.info(error)",
        "st.caption(formats.plain(formats.plain(row.name)))",
        "failures.show_error(formats.plain(row.error), None)",
        "failures.show_error(f'Not read. {formats.plain(row.error)}', None)",
        "failures.show_error(formats.plain(row.error) if row.error else 'Not read.', None)",
        "failures.notify(message=formats.plain(row.name))",
        "told = formats.plain(row.error)\nfailures.show_error(told, None)",
        "def told(row) -> formats.Markdown:\n    return formats.plain(row.name)\nfailures.notify(told(row))",
    ],
)
def test_the_lint_finds(source: str) -> None:
    assert found_in(source)


@pytest.mark.parametrize(
    "source",
    [
        "st.markdown('ours')",
        "st.caption(f'In {formats.plain(row.name)}, {row.number:,} of {row.share:.0%}')",
        "st.caption(f'{ICONS[kind]} {formats.count(row.number, \"job\")}')",
        "name = formats.plain(row.name) if row else 'none'\nst.markdown(f'**{name}**')",
        "st.markdown(', '.join(formats.plain(row.name) for row in rows))",
        "def show(name: formats.Markdown, number: int) -> None:\n    st.markdown(f'{name} {number}')",
        "def told(row) -> formats.Markdown:\n    return formats.plain(row.name)\nst.markdown(told(row))",
        "st.html(f'<b>{html.escape(row.name)}</b>')",
        "st.code(row.text)\nst.dataframe(row.table)\nst.text_input('x', row.name, key=row.name)",
        "failures.notify(row.name)",
        "failures.notify(f'Requeued: {formats.count(row.number, \"job\")}.')",
        "failures.notify('known' if formats.plain(row.name) == 'x' else 'new')",
    ],
)
def test_the_lint_leaves_alone(source: str) -> None:
    assert found_in(source) == []


def test_a_format_with_a_figure_takes_no_text() -> None:
    for spec in (",", ".0%", "d", ".2f", "%H:%M", "%Y-%m-%d", ".4~g", ",.2f"):
        assert is_of_figures(ast.parse(f"f'{{x:{spec}}}'", mode="eval").body.values[0].format_spec)  # type: ignore[attr-defined]
        if "~" not in spec:
            with pytest.raises(ValueError, match=r"ormat|specify"):
                format("![x](http://evil.example)", spec)
    for spec in ("s", "", ">9", "%<9", "_^9"):
        assert not is_of_figures(ast.parse(f"f'{{x:{spec}}}'", mode="eval").body.values[0].format_spec)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![x](http://e.x/a)", "\\!\\[x\\]\\(http\\:\u2060//e\\.x/a\\)"),
        ("https://e.x www.e.x a@e.x", "https\\:\u2060//e\\.x www\u2060\\.e\\.x a@\u2060e\\.x"),
        (":material/home: :smile: at 12:30, a: b", "\\:\u2060material/home\\: \\:\u2060smile\\: at 12\\:30, a\\: b"),
        ("a -> b >= 5", "a \\-\\>\u2060 b \\>=\u2060 5"),
        ("a\n# b\t\x07\x1b[0m\u202ec\ud800", "a \\# b \\[0mc\ufffd"),
        ("नमस्ते 👩\u200d🚀 Straße", "नमस्ते 👩\u200d🚀 Straße"),
    ],
)
def test_foreign_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert formats.plain(text) == shown


# What of the hostile text would mean something if it stood there unescaped.
RAW = re.compile(
    r"""https?://|www\\?\.|@evil|\]\(|(?<!\\)<(?:img|a|script|http)|:violet\[|:(?:material/skull|streamlit|smile)|(?<!\\)[$]x"""
    r"""|(?<!\\)`code|(?<!\\)\*\*bold|(?<!\\)\[[rlp ]\]|[\x00-\x09\x0b-\x1f\u202e]|^\#\ head|^\|""",
    re.MULTILINE | re.VERBOSE,
)
RENDERED = {"body", "label", "help", "text", "delta", "tooltip", "captions", "title"}


def rendered(node: Any) -> Iterator[tuple[str, str]]:
    """Texts of a page that Streamlit makes something of, each with its element's kind."""
    proto = getattr(node, "proto", None)
    if proto is not None:
        yield from _texts(getattr(node, "type", ""), MessageToDict(proto))
    for child in getattr(node, "children", {}).values():
        yield from rendered(child)


def _texts(kind: str, found: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(found, dict):
        for key, value in found.items():
            yield from _texts(kind, value, key)
    elif isinstance(found, list):
        for value in found:
            yield from _texts(kind, value, name)
    elif name in RENDERED and isinstance(found, str):
        yield kind, found


def check(at: AppTest) -> int:
    """Every rendered text is harmless. Returns in how many the hostile host is named."""
    assert not at.exception
    named = 0
    for kind, text in rendered(at._tree):
        if kind in ("html", "code"):
            ours = kind == "code" or text in (WATCH, FRAME)
            assert not re.search(r"<(img|a|script)\b", text) or ours, text
        elif "evil" in text:
            named += 1
            assert not RAW.search(text), f"{kind}: {text}"
    return named


LISTS = (
    "overview",
    "documents",
    "analyse",
    "jobs",
    "insights",
    "matrix",
    "review",
    "templates",
    "costs",
    "health",
    "own_requests",
)
QUERY = (
    "id",
    "insight",
    "q",
    "state",
    "collection",
    "template",
    "tab",
    "part",
    "period",
    "start",
    "job",
    "name",
    "model",
    "user",
    "collection",
    "by",
)


@pytest.mark.usefixtures("database")
def test_no_page_makes_anything_of_hostile_words(openai: Any) -> None:
    ids = hostile.fill()
    seen: dict[str, int] = {}
    for page, query in (
        *((name, {}) for name in LISTS),
        ("settings", {"part": "Changes"}),
        ("document", {"id": ids["document"]}),
        ("document", {"id": ids["failed"]}),
        ("insights", {"insight": ids["insight"]}),
        ("matrix", {"document": ids["document"], "cell": hostile.TEXT}),
        *(("insight", {"id": ids["insight"], "tab": tab}) for tab in ("Evidence", "Merges", "History")),
        *(("job", {"id": ids["job"], "tab": tab}) for tab in ("Answers", "Timeline")),
        *(("job", {"id": ids["own"], "tab": tab}) for tab in ("Requests", "Provider batches")),
    ):
        seen[f"{page} {query}"] = check(opened(page, **query).run())
    check(opened("settings", part="Retention").run())
    # Lists show them in grids, which render nothing.
    assert all(number for page, number in seen.items() if "{}" not in page), seen
    for page in (
        "document",
        "job",
        "insights",
        "insight",
        "matrix",
        "documents",
        "jobs",
        "costs",
        "own_requests",
        "analyse",
        "settings",
    ):
        check(opened(page, **dict.fromkeys(QUERY, hostile.SHORT)).run())
    help_ = opened("matrix").run().dataframe[0].proto.columns
    assert "evil" in help_
    assert not RAW.search(json.loads(help_)[hostile.TEXT]["help"])
    for label in ("Cancel job", "Move waiting requests", "Rename"):
        assert check(press(opened("job", id=ids["waiting"]).run(), label)) > 0
    for label in ("Send again", "Delete"):
        assert check(press(opened("job", id=ids["own"]).run(), label)) > 0
