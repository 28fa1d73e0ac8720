"""Tables that leave Cairn: what each format holds, that no cell computes or is lost unsaid, and that memory is flat."""

import csv
import io
import re
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from markdown_it import MarkdownIt
from pyarrow import parquet
from python_calamine import CalamineWorkbook

from core.exports import workbook
from core.exports.columns import FORMAT_NAMES, Column, FormatName, file_name
from core.exports.markdown import inline
from core.exports.write import write

COLUMNS = (
    Column("text"),
    Column("whole", "integer"),
    Column("share", "number"),
    Column("cost", "money"),
    Column("is so", "boolean"),
    Column("seen", "time"),
    Column("tags", "list"),
    Column("more", "json"),
)
AT = datetime(2026, 11, 29, 12, 0, 1, tzinfo=UTC)
FULL = ("Zoë said “ja”", -3, -0.25, Decimal("-0.000000100000"), True, AT, ["a", "b"], {"n": [1, None]})
EMPTY = (None,) * len(COLUMNS)
EVIL = ("=1+1", "+1", "-2 %", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\ufeff=1", "\N{FULLWIDTH EQUALS SIGN}1")


def made(format_: FormatName, *rows: Any, columns: tuple[Column, ...] = COLUMNS) -> bytes:
    file = io.BytesIO()
    write(file, format_, "Things: a/b", columns, iter(rows))
    return file.getvalue()


def texts(format_: FormatName, *found: str) -> list[Any]:
    """A table with one column of text, read as a program reads it."""
    content = made(format_, *((text,) for text in found), columns=(Column("text"),))
    if format_ == "csv":
        return [row[0] for row in csv.reader(io.StringIO(content.decode(), newline=""))][1:]
    if format_ == "xlsx":
        return [row[0] for row in sheets(content)[0]][1:]
    if format_ == "parquet":
        return parquet.read_table(io.BytesIO(content)).column("text").to_pylist()
    return [row["text"] for row in orjson.loads(content)]


def sheets(content: bytes) -> list[list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]


def test_values_keep_their_types() -> None:
    lines = list(csv.reader(io.StringIO(made("csv", FULL, EMPTY).decode())))
    assert lines[0] == [column.name for column in COLUMNS]
    more = '{"n":[1,null]}'
    assert lines[1:] == [
        ["Zoë said “ja”", "-3", "-0.25", "-0.0000001", "true", "2026-11-29T12:00:01Z", "a; b", more],
        [""] * 8,
    ]
    (sheet,) = sheets(made("xlsx", FULL, EMPTY))
    assert sheet[1] == ["Zoë said “ja”", -3, -0.25, -1e-7, True, AT.replace(tzinfo=None), "a; b", more]
    table = parquet.read_table(io.BytesIO(made("parquet", FULL, EMPTY))).to_pylist()
    assert list(table[0].values()) == [*FULL[:-1], more]
    assert set(table[1].values()) == {None}
    first, second = orjson.loads(made("json", FULL, EMPTY))
    assert first["cost"] == "-0.0000001"
    assert (first["seen"], first["more"], first["tags"]) == ("2026-11-29T12:00:01Z", FULL[-1], ["a", "b"])
    assert set(second.values()) == {None}
    assert "| Zoë said “ja” | -3 |" in made("md", FULL, EMPTY).decode()


@pytest.mark.parametrize("format_", FORMAT_NAMES)
def test_a_table_without_rows_is_one(format_: FormatName) -> None:
    content = made(format_)
    if format_ == "json":
        assert orjson.loads(content) == []
    elif format_ == "parquet":
        assert parquet.read_table(io.BytesIO(content)).column_names == [column.name for column in COLUMNS]
    elif format_ == "xlsx":
        assert len(sheets(content)[0]) == 1
    else:
        assert b"text" in content


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_no_cell_computes(format_: FormatName) -> None:
    for text, cell in zip(EVIL, texts(format_, *EVIL), strict=True):
        assert cell == f"'{text}"
    fine = ["1 = 1", "a-b", "'=1", "mail@example.org", "# + 1", "x"]
    assert texts(format_, *fine) == fine
    hidden = made(
        format_, (["=1", "x"], {"a": 1}, "=x"), columns=(Column("l", "list"), Column("j", "json"), Column("t"))
    )
    assert b"<f>" not in hidden
    assert b"\r\n'=1; x" in hidden or format_ == "xlsx"


def test_programs_get_texts_as_they_are() -> None:
    odd = [*EVIL, "page\x0cend", "\x1b[31m", "_x0041_", "\N{GRINNING FACE}", "a\r\nb", "x" * 40_000]
    assert texts("json", *odd) == odd
    assert texts("parquet", *odd) == odd


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_what_a_sheet_refuses_is_replaced(format_: FormatName) -> None:
    odd = ["page\x0cend", "\x1b[31m", "a\x00b", "_x0041_", "\N{GRINNING FACE}", "\ufffe", "line\nline"]
    clean = ["page\nend", "\ufffd[31m", "a\ufffdb", "_x0041_", "\N{GRINNING FACE}", "\ufffd", "line\nline"]
    assert texts(format_, *odd) == clean


def test_what_excel_has_no_room_for_is_said() -> None:
    columns, emoji = (Column("text"),), "\N{GRINNING FACE}" * 20_000
    book = sheets(made("xlsx", ("x" * 32_767,), ("y" * 32_768,), (emoji,), columns=columns))
    (_, (whole,), (cut,), (of_pairs,)), notes = book
    assert whole == "x" * 32_767
    assert cut.endswith("y … [cut by Excel's limit: 32,768 characters in all]")
    assert of_pairs.endswith("\N{GRINNING FACE} … [cut by Excel's limit: 20,000 characters in all]")
    assert {len(text.encode("utf-16-le")) // 2 for text in (cut, of_pairs)} <= {32_766, 32_767}
    assert "characters: 2." in notes[0][0]
    file = io.BytesIO()
    workbook.write(file, "Many", columns, ((f"row {n}",) for n in range(5)), most_rows=3)
    *parts, notes = sheets(file.getvalue())
    assert [row[0] for part in parts for row in part[1:]] == [f"row {n}" for n in range(5)]
    assert {part[0][0] for part in parts} == {"text"}
    assert "in 3 sheets" in notes[0][0]


@pytest.mark.parametrize("title", ["Notes", "History", "  ", "a" * 40, "[x]:*?/\\'", "page\x0cend"])
def test_any_title_names_a_sheet(title: str) -> None:
    file = io.BytesIO()
    workbook.write(file, title, (Column("text"),), [("x",), ("y",), ("z" * 40_000,)], most_rows=2)
    names = CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue())).sheet_names
    assert len({name.lower() for name in names}) == 4
    assert "History" not in names


def test_large_numbers_stay_readable() -> None:
    columns = (Column("n", "number"),)
    numbers = [(10**20,), (float("inf"),), (2**53 + 1,)]
    assert made("csv", *numbers, columns=columns).decode().split() == ["n", str(10**20), '""', str(2**53 + 1)]
    assert orjson.loads(made("json", *numbers, columns=columns))[0] == {"n": 1e20}
    assert [row[0] for row in sheets(made("xlsx", *numbers, columns=columns))[0]][1] == "100000000000000000000"


EVIL_MARKDOWN = (
    "a | b\n# no [x](http://evil.example) ![p](x) <b>hi</b> `c` www.evil.example me@evil.example <http://evil.example>",
    "**b** _i_ ~~s~~ $x$ &lt;b&gt; \\| [r] [^1] C# | --- | --- | <script>x</script> #",
    "- [ ] item",
    "1. one",
    "====",
    "> quote",
)


@pytest.mark.parametrize("text", EVIL_MARKDOWN)
def test_nothing_in_markdown_is_made_of_a_text(text: str) -> None:
    """Read by a parser: a heading and a table with one cell of text, and what stands in that is what was written."""
    content = made("md", (text,), columns=(Column("text"),)).decode()
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    kinds = [token.type for token in parser.parse(content)]
    assert kinds.count("td_open") == kinds.count("heading_open") == 1
    (cell,) = [t for t in parser.parse(content) if t.type == "inline"][2:]
    assert {child.type for child in cell.children or ()} == {"text"}
    shown = "".join(child.content for child in cell.children or ()).replace("\N{WORD JOINER}", "")
    assert shown.removeprefix("'") == " ".join(text.split())
    assert not re.search(r"https?://|www\.|\w@\w", content)
    (heading,) = [t for t in parser.parse(f"## 1. {inline(text)}") if t.type == "inline"]
    assert {child.type for child in heading.children or ()} == {"text"}
    assert (
        "".join(child.content for child in heading.children or ()).replace("\N{WORD JOINER}", "")
        == f"1. {' '.join(text.split())}"
    )


def test_a_file_is_named_after_what_it_holds() -> None:
    assert file_name("Supplier risks / 2026: “ü”", "xlsx", AT) == "supplier-risks-2026-2026-11-29.xlsx"
    assert file_name("問題", "md", AT) == "cairn-2026-11-29.md"


ROWS = """
import resource
from core.exports.columns import FORMAT_NAMES, Column
from core.exports.write import write

def rows(count):
    return (("word " * 1_200 + str(n), n) for n in range(count))

class Nowhere(io.RawIOBase):
    size = 0
    def writable(self): return True
    def tell(self): return self.size
    def write(self, data): self.size += len(data); return len(data)

def peak(count):
    write(Nowhere(), name, "t", (Column("text"), Column("n", "integer")), rows(count))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

for name in FORMAT_NAMES:
    print(name, -peak(1_500) + peak(3_500))
"""


def test_memory_does_not_grow_with_the_rows() -> None:
    """2,000 rows more have 12 MB of text."""
    found = subprocess.run([sys.executable, "-c", f"import io{ROWS}"], capture_output=True, text=True, check=True)
    grown = dict(line.split() for line in found.stdout.splitlines())
    assert set(grown) == set(FORMAT_NAMES)
    assert max(map(int, grown.values())) < 8_000, grown


def test_a_row_group_ends_by_its_rows_or_by_its_text() -> None:
    columns = (Column("text"),)
    short, long = (made("parquet", *(("x" * size,) for _ in range(6_000)), columns=columns) for size in (1, 1_000))
    groups = [parquet.ParquetFile(io.BytesIO(content)).metadata for content in (short, long)]
    assert [[one.row_group(n).num_rows for n in range(one.num_row_groups)] for one in groups] == [
        [5_000, 1_000],
        [4_000, 2_000],
    ]
