"""Files and functions are short, and what the documents name exists.

A mention is what stands between backticks, and what a link leads to:

- a path from the top of the project: it has a slash, or a suffix of ours. NAME in it stands for anything, its folder
  is looked for then. A file's name alone (`report.py`) may lie anywhere. What begins with a slash is an address, and
  what begins with a setting (`DATA_DIR/...`) is no file of ours;
- a dotted name: module and definition (`retry.decide`, `core.calls.retry`), table and column (`job.former`), or a name
  of an installed package (`st.navigation`). A module may be called by its file's name alone;
- a name with its file beside it: `NAME` in `FILE`, or `NAME` (`FILE`). The file defines it.

In commands and blocks of code only paths are looked for, and only those that begin with a folder of ours.
"""

import ast
import importlib
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from core import tables

assert tables.__all__  # importing them fills the metadata

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = ("core", "api", "jobs", "pages")
INSTALLED = {"st": "streamlit", "sa": "sqlalchemy"}
NOT_OURS = {"secret.key"}  # made by Cairn where it runs

SUFFIXES = "py|md|toml|json|jsonl|yml|yaml|txt|ini|sql|in|docx|png"
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)[^)]*\)")
PATH = re.compile(rf"(?!/)(?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:{SUFFIXES})")
PATH_IN_CODE = re.compile(rf"(?<![\w./])(?:{'|'.join(FOLDERS)}|tests|docs|migrations)/[\w./-]*\w/?")
DOTTED = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?:\(\))?")
BESIDE = re.compile(r"`(\w+)(?:\(\))?`\s+(?:in\s+`([\w./-]+\.py)`|\(`([\w./-]+\.py)`\))")


def stale(text: str, folder: Path = ROOT) -> list[str]:
    """The mentions in a document of that folder that name nothing."""
    prose = FENCED.sub("", text)
    missing = [path for block in FENCED.findall(text) for path in PATH_IN_CODE.findall(block) if not exists(path)]
    missing += [link for link in LINK.findall(prose) if not (folder / link).exists()]
    for mention in CODE.findall(prose):
        if PATH.fullmatch(mention):
            missing += [] if exists(mention) else [mention]
        elif (found := DOTTED.fullmatch(mention)) and mention not in NOT_OURS:
            missing += [] if is_defined(found[1].split(".")) else [mention]
        elif " " in mention:
            missing += [path for path in PATH_IN_CODE.findall(mention) if not exists(path)]
    for name, *files in BESIDE.findall(prose):
        file = "".join(files)
        missing += [f"{name} in {file}"] if exists(file) and not defines(ROOT / file, [name]) else []
    return missing


def exists(path: str) -> bool:
    """Whether a mentioned path is there."""
    parts = path.strip("/").split("/")
    if parts[0].isupper() and "." not in parts[0]:
        return True
    known = next((at for at, part in enumerate(parts) if "NAME" in part), len(parts))
    return ROOT.joinpath(*parts[:known]).exists() or (
        len(parts) == 1 and any(any((ROOT / folder).rglob(path)) for folder in FOLDERS)
    )


def is_defined(name: list[str]) -> bool:
    """Whether some module, table or installed package has it."""
    if name[0] in FOLDERS and any(defines(path, rest) for path, rest in walk(ROOT, name)):
        return True
    if any(defines(at, rest) for path in modules().get(name[0], ()) for at, rest in walk(path.parent, name)):
        return True
    if name[0] in SQLModel.metadata.tables:
        return name[1] in SQLModel.metadata.tables[name[0]].columns
    return is_installed(name)


def walk(folder: Path, name: list[str]) -> Iterator[tuple[Path, list[str]]]:
    """Every file that the beginning of a name may mean, and the rest of the name."""
    for at in range(1, len(name) + 1):
        path = folder.joinpath(*name[:at])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.exists():
                yield file, name[at:]


@cache
def modules() -> dict[str, list[Path]]:
    """Files and packages by their last name."""
    found: dict[str, list[Path]] = {}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            at = path.parent if path.name == "__init__.py" else path.with_suffix("")
            found.setdefault(at.name, []).append(at)
    return found


def defines(file: Path, name: list[str]) -> bool:
    """Whether a file defines a name, or a class in it an attribute. A module alone is defined by being there."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    for part in name:
        found = next((node for node in body if part in names_of(node)), None)
        if found is None:
            return False
        body = found.body if isinstance(found, ast.ClassDef) else []
    return True


def names_of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def is_installed(name: list[str]) -> bool:
    try:
        found = importlib.import_module(INSTALLED.get(name[0], name[0]))
    except ImportError:
        return False
    return hasattr(found, name[1])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_and_name_in_the_documents_exists(document: Path) -> None:
    assert stale(document.read_text(encoding="utf-8"), document.parent) == []


@pytest.mark.parametrize(
    "named",
    [
        "`core/calls/retry.py` and `pages/job/`",
        "`core/providers/NAME.py`, `DATA_DIR/secret.key`, `secret.key`, `report.py`",
        "`retry.decide`, `core.calls.retry.decide`, `db.transaction()`, `core.calls`",
        "`job.former`, `provider_batch.state`",
        "`st.navigation`",
        "`decide` in `core/calls/retry.py`",
        "[the ADR](docs/adr/0005-keep-then-derive.md#what)",
        "`GET /api/v1/jobs`, `/health/db`, `gpt-5-mini`, `python -m jobs once`, `.env`",
        "```\ncurl -F files=@core/samples/__init__.py http://localhost:8501/api/v1/jobs/NO\n```",
    ],
)
def test_what_exists_is_found(named: str) -> None:
    assert stale(named) == []


@pytest.mark.parametrize(
    ("named", "missing"),
    [
        ("`core/retry.py`", "core/retry.py"),
        ("`reports/`", "reports/"),
        ("`nothing.py`", "nothing.py"),
        ("`core/nowhere/NAME.py`", "core/nowhere/NAME.py"),
        ("`retry.nothing`", "retry.nothing"),
        ("`held.take`", "held.take"),
        ("`core.retry`", "core.retry"),
        ("`job.nothing`", "job.nothing"),
        ("`st.nothing`", "st.nothing"),
        ("`nothing` in\n`core/calls/retry.py`", "nothing in core/calls/retry.py"),
        ("`nothing` (`core/calls/retry.py`)", "nothing in core/calls/retry.py"),
        ("[gone](docs/adr/gone.md)", "docs/adr/gone.md"),
        ("`pytest -q tests/core/test_gone.py`", "tests/core/test_gone.py"),
        ("```\npytest tests/core/test_gone.py\n```", "tests/core/test_gone.py"),
    ],
)
def test_what_is_gone_is_named(named: str, missing: str) -> None:
    assert stale(named) == [missing]


def test_the_architecture_names_every_room_on_its_floor() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    floors = next(one["layers"] for one in contracts if one.get("containers") == ["core"])
    shown = FENCED.findall((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))[0].splitlines()[1:-1]
    assert [line.split("  ")[0].split() for line in shown] == [floor.split(" | ") for floor in floors]


def sources() -> Iterator[Path]:
    yield ROOT / "app.py"
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


OF_CORE = re.compile(r"(?<![\w./])core(?:\.[a-z_]+)+(?:\.[A-Z]\w*)?")


def test_what_comments_and_strings_name_of_core_exists() -> None:
    """Docstrings and messages name modules and commands, such as `python -m core.calls.preset_tool`."""
    for path in (*sources(), ROOT / "migrations/env.py"):
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                missing = [name for name in OF_CORE.findall(token.string) if not is_defined(name.split("."))]
                assert not missing, f"{path.relative_to(ROOT)}:{token.start[0]} names {missing}"


LONGEST_FILE, LONGEST_FUNCTION = 400, 45


def too_long(path: Path, text: str) -> Iterator[str]:
    """The file and the functions in it that have more lines than they may. Tables are lists and may be longer."""
    where, lines = path.relative_to(ROOT), len(text.splitlines())
    if lines > LONGEST_FILE and path.parent != ROOT / "core/tables":
        yield f"{where} has {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{where}:{node.lineno} {node.name} has {lines} lines"


def test_no_file_and_no_function_is_too_long() -> None:
    found = [one for path in sources() for one in too_long(path, path.read_text(encoding="utf-8"))]
    assert not found, f"Split these at their second idea (400 lines a file, 45 a function): {found}"


def test_what_is_too_long_is_named_with_its_place() -> None:
    short, long = ("def f():\n" + "    x = 1\n" * lines for lines in (44, 45))
    assert list(too_long(ROOT / "core/a.py", short)) == []
    assert list(too_long(ROOT / "core/a.py", "\n" + long)) == ["core/a.py:2 f has 46 lines"]
    assert list(too_long(ROOT / "core/a.py", "x = 1\n" * 400)) == []
    assert list(too_long(ROOT / "core/a.py", "x = 1\n" * 401)) == ["core/a.py has 401 lines"]
    assert list(too_long(ROOT / "core/tables/a.py", "x = 1\n" * 401)) == []


def test_reports_share_the_transaction_of_a_page() -> None:
    reports = [path for path in (ROOT / "core").rglob("*report.py") if "db.transaction(" in path.read_text()]
    assert reports == [], "a report opens db.reading()"
