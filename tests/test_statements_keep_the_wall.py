"""A statement on what belongs to a workspace names the workspace, or stands in the list of those that need not.

Statements are found where they are written: every string of `core` that reads or writes a walled table. A string that
is put together from pieces is judged piece by piece. In what reads for the doors (REPORTS) that holds also for tables
whose rows hang on a document or a job: an id that was handed in must not lead to them past the wall.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from core import tables

assert tables.__all__  # importing them fills the metadata
ROOT = Path(__file__).resolve().parents[1]

# Every table with the column, so that one of tomorrow is walled by having it.
WALLED = tuple(sorted(name for name, table in SQLModel.metadata.tables.items() if "workspace_id" in table.columns))
CLASSES = tuple(name.title().replace("_", "") for name in WALLED)
HANGING = (
    "document_text",
    "evidence",
    "field_quote",
    "job_document",
    "job_event",
    "odd_line",
    "provider_batch",
    "read_again",
    "request",
)
REPORTS = (
    "core/documents/content.py",
    "core/jobs/canary.py",
    "core/jobs/output.py",
    "core/jobs/stats.py",
    "core/money/costs.py",
    "core/money/series.py",
    "core/money/sums.py",
    "core/overview.py",
    "core/requests/savings.py",
    "core/upkeep/stuck.py",
)


def is_report(where: str) -> bool:
    return where.endswith("report.py") or where in REPORTS


def statements(names: tuple[str, ...]) -> re.Pattern[str]:
    """What reads, changes or deletes rows of these tables, or adds some (group `into`)."""
    of = "|".join(names)
    return re.compile(rf"\b(?:FROM|JOIN|UPDATE|USING|(?P<into>INTO))\s+(?:ONLY\s+)?(?:{of})\b|,\s*(?:{of})\s+[a-z]\b")


ON_WALLED, ON_HANGING = statements(WALLED), statements((*WALLED, *HANGING))
NAMED = re.compile(r":workspace\b|%\(workspace\)s")


def leaves_it_out(sql: str, *, report: bool = False) -> bool:
    """Whether this text works on a walled table without naming the workspace. Rows are added with a column for it."""
    found = list((ON_HANGING if report else ON_WALLED).finditer(sql))
    adds = any(match["into"] for match in found)
    reads = any(not match["into"] for match in found)
    return (adds and "workspace_id" not in sql) or (reads and not NAMED.search(sql))


@dataclass(frozen=True)
class Found:
    """`place`: the constant or function that it stands in."""

    where: str
    place: str
    line: int
    text: str


def crossings(where: str, source: str) -> Iterator[Found]:
    """The statements of a file that leave the workspace out, and its accesses by class."""
    module, lines = ast.parse(source), source.splitlines()
    pieces = {name: text for top in module.body for name, text in named_text(top)} | shared_pieces(module)
    for top in module.body:
        place = getattr(top, "name", "") or next((name for name, _ in stored(top)), "")
        says_it = any("workspace" in line for line in lines[top.lineno - 1 : top.end_lineno])
        for node in expressions(top):
            text = written(node, pieces)
            if text is not None and leaves_it_out(text, report=is_report(where)):
                yield Found(where, place, node.lineno, " ".join(text.split())[:100])
            name = by_class(node)
            # A select may say it in any of its clauses.
            if name and not (says_it and name.startswith("select")):
                yield Found(where, place, node.lineno, name)


def expressions(top: ast.stmt) -> Iterator[ast.expr]:
    """But for docstrings, and the pieces of f-strings, which are judged as a whole."""
    nodes = list(ast.walk(top))
    left_out = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    left_out |= {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return (node for node in nodes if isinstance(node, ast.expr) and (id(node) not in left_out or by_class(node)))


def stored(top: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """The constants of a module with what they are."""
    if isinstance(top, ast.Assign):
        yield from ((target.id, top.value) for target in top.targets if isinstance(target, ast.Name))
    elif isinstance(top, ast.AnnAssign) and isinstance(top.target, ast.Name) and top.value:
        yield top.target.id, top.value


def named_text(top: ast.stmt) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, value in stored(top) if (text := written(value, {})) is not None)


def shared_pieces(module: ast.Module) -> dict[str, str]:
    """Texts of the other modules of `core` that it imports, as `module.NAME`."""
    imports = [node for node in module.body if isinstance(node, ast.ImportFrom) and node.module]
    paths = {
        name.name: ROOT / str(one.module).replace(".", "/") / f"{name.name}.py" for one in imports for name in one.names
    }
    return {f"{name}.{piece}": text for name, path in paths.items() for piece, text in texts_of(path)}


@cache
def texts_of(path: Path) -> tuple[tuple[str, str], ...]:
    if "core" not in path.parts or not path.is_file():
        return ()
    found: dict[str, str] = {}
    for top in ast.parse(path.read_text(encoding="utf-8")).body:
        found |= {name: text for name, value in stored(top) if (text := written(value, found)) is not None}
    return tuple(found.items())


def written(node: ast.expr, pieces: Mapping[str, str]) -> str | None:
    """The text of a string; in an f-string the module's own pieces in their places, and a mark for any other value."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else piece(part, pieces) for part in node.values
        )
    return None


def piece(part: ast.expr, pieces: Mapping[str, str]) -> str:
    value = part.value if isinstance(part, ast.FormattedValue) else None
    return pieces.get(ast.unparse(value) if isinstance(value, ast.Name | ast.Attribute) else "", "{}")


def by_class(call: ast.expr) -> str | None:
    """`session.get(Job, ...)`, `select(Job)` and the like. `db.within` looks inside the transaction's workspace."""
    if not isinstance(call, ast.Call):
        return None
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    classes = [arg.id for arg in call.args if isinstance(arg, ast.Name) and arg.id in CLASSES]
    return f"{name}({classes[0]})" if classes and name in ("get", "get_one", "select", "update", "delete") else None


# What works for all workspaces, and why that is right: a room, a file, or one constant or function of a file.
ALL = "works for all workspaces, and takes the workspace of what it makes from the row that it comes from"
MACHINE = "figures of the machine and of providers, without a name or an id of what belongs to a workspace"
HELD = "by the id of a row that the caller holds and has found inside the wall, or works on for all"
MATCHING = "with a condition from elsewhere, such as that of `matching`, which names it"
CHARGED = "an admin's price is of a provider, which charges the same in every workspace"
MACHINERY: Mapping[str, str] = {
    "core/answers/": ALL,
    "core/batch/": ALL,
    "core/live/": ALL,
    "core/upkeep/one_round.py": ALL,
    "core/upkeep/takeover.py": ALL,
    "core/upkeep/tick.py": ALL,
    "core/retention/report.py": "a rule is the machine's, and so is what it would remove",
    # Before the wall: who may enter, and what a workspace still holds.
    "core/access/workspaces.py": "counts what lies in each for those who may see it, and its emptying",
    # Documents.
    "core/documents/claims.py": ALL,
    "core/documents/deletion.py:DELETE_BLOBS": "bytes are kept once per content, for all",
    "core/documents/deletion.py:DELETE_DOCUMENTS": HELD,
    "core/documents/deletion.py:DELETE_RESPONSES": HELD,
    "core/documents/deletion.py:LEAVE_ARCHIVES": HELD,
    "core/documents/deletion.py:PARTS": HELD,
    "core/documents/extract.py:_failed": ALL,
    "core/documents/extract.py:_nudge_jobs": ALL,
    "core/documents/extract.py:_on_stage": ALL,
    "core/documents/extract.py:_store": ALL,
    "core/documents/read_again.py:_replace": ALL,
    "core/documents/read_again.py:read_next": ALL,
    "core/documents/reading.py": ALL,
    # Jobs and their requests.
    "core/jobs/deletion.py:DELETE": HELD,
    "core/jobs/moving.py:DUE": ALL,
    "core/jobs/moving.py:_follow_rule": ALL,
    "core/jobs/output.py:ENDED": HELD,
    "core/requests/expansion.py:KNOWN": HELD,
    "core/requests/expansion.py:_READY": HELD,
    "core/requests/expansion.py:expand_job": ALL,
    "core/requests/finishing.py": HELD,
    "core/requests/former_models.py": HELD,
    "core/live/single_text.py:RESULT": HELD,
    "core/requests/merges.py": ALL,
    "core/requests/origin.py": ALL,
    "core/requests/refitting.py": HELD,
    "core/requests/unused_temperature.py:NOTE": HELD,
    "core/requests/waiting.py": HELD,
    "core/tables/jobs.py:is_cancelled": HELD,
    # Templates.
    "core/asking/templates.py:asking": "of the job that was made with it; `asked_now` looks first",
    "core/asking/templates.py:name_of": HELD,
    "core/asking/templates.py:sync_built_ins": "built-in templates belong to everybody",
    "core/judging/verdicts.py:UNREAD": ALL,
    # Insights: keys name their workspace, so those that are equal are of one.
    "core/insight_base/": ALL,
    "core/insights/comparing.py": ALL,
    "core/insights/history.py:NOTE": HELD,
    "core/insights/life.py:CHOICE": MATCHING,
    "core/insights/life.py:FIRST_CHOICE": MATCHING,
    "core/insights/order_report.py": MATCHING,
    "core/insights/merging.py:END_MERGES": HELD,
    "core/insights/merging.py:HEADS_AGAIN": HELD,
    "core/insights/merging.py:POINT_TO_HEAD": HELD,
    "core/insights/merging.py:TREES": HELD,
    "core/insights/merging.py:merge_within": HELD,
    # Money.
    "core/budgets/admission.py": "the budgets that count a job or text, also that of everything on this machine",
    "core/budgets/expected.py": HELD,
    "core/budgets/holding.py": ALL,
    "core/budgets/room.py": ALL,
    "core/money/booked.py": "part of statements on budgets: also that of all that is on this machine",
    "core/budgets/taken.py": "a budget counts what its scope says: also all that is on this machine",
    "core/money/folding.py": ALL,
    "core/money/own_price_changes.py:HAS_PRICED": CHARGED,
    "core/money/unpriced.py:WAITING": CHARGED,
    "core/money/unpriced.py:NEXT": CHARGED,
    "core/money/unpriced.py:WRITE": CHARGED,
    "core/invoices/report.py:OURS": CHARGED,
    "core/money/usage.py:SAVED": HELD,
    "core/money/usage.py:collection_of": HELD,
    "core/money/usage.py:REUSED_RECORDS": ALL,
    "core/money/usage.py:insert": "its column is an argument that has to be given",
    "core/requests/reuse.py:CONDITIONS": "pieces of a statement on answers, which says OURS",
    # Figures of the machine.
    "core/calls/at_once.py": MACHINE,
    "core/calls/breaker_by_hand.py:WAITING": MACHINE,
    "core/calls/breaker_report.py": MACHINE,
    "core/calls/report.py": MACHINE,
    "core/health/": MACHINE,
    "core/settings/provider_changes.py:NEEDED": MACHINE,
    "core/jobs/batches_report.py:TURNAROUND": MACHINE,
    "core/batch/report.py:IN_FLIGHT": MACHINE,
}
# The room is machinery, and this file in it reads for the doors.
READS_FOR_DOORS = ("core/batch/report.py", "core/live/single_text.py")


def excused(found: Found) -> str | None:
    places = [f"{found.where}:{found.place}", found.where, found.where.rsplit("/", 1)[0] + "/"]
    if found.where in READS_FOR_DOORS:
        places = places[:1]
    return next((place for place in places if place in MACHINERY), None)


@cache
def all_crossings() -> list[Found]:
    files = sorted((ROOT / "core").rglob("*.py"))
    return [one for path in files for one in crossings(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))]


def test_every_statement_names_the_workspace_or_is_excused() -> None:
    found = [f"{one.where}:{one.line} {one.place}: {one.text}" for one in all_crossings() if not excused(one)]
    assert not found, "Add workspace_id = :workspace, or db.within:\n" + "\n".join(found)


def test_only_what_is_excused_has_the_database_show_all_workspaces() -> None:
    """The list above and the transactions past the policies (core.runtime.policies) are of the same code."""
    # The first three work with statements of their neighbours that are listed.
    near = {"core/budgets/fitting.py", "core/invoices/drift.py", "core/retention/removal.py", "core/runtime/"}
    files = {*near, *(place.partition(":")[0] for place in MACHINERY)}
    past = [
        where
        for path in sorted((ROOT / "core").rglob("*.py"))
        if re.search(r"everywhere=True|seeing_all\(|workspace\.everywhere\(", path.read_text(encoding="utf-8"))
        and not {where := str(path.relative_to(ROOT)), where.rsplit("/", 1)[0] + "/"} & files
    ]
    assert past == []


def test_nothing_is_excused_that_is_not_there() -> None:
    assert {excused(one) for one in all_crossings()} >= set(MACHINERY)


@pytest.mark.parametrize(
    "source",
    [
        'SQL = "SELECT 1 FROM job WHERE id = :id"',
        'SQL = """SELECT 1\nFROM request r\n  JOIN document d ON d.id = r.document_id"""',
        "def f(s):\n    return db.rows(s, \"UPDATE job j SET state = 'paused' WHERE j.id = :id\")",
        'def f(s):\n    db.execute(s, "DELETE FROM insight " "WHERE id = :id")',
        'SQL = "INSERT INTO collection (id, name) VALUES (:id, :name)"',
        'SQL = "SELECT 1 FROM breaker b, job j WHERE j.provider = b.provider"',
        'SQL = f"SELECT {COLUMNS} FROM usage_record WHERE {RANGE}"',
        'RANGE = "time > now()"\nSQL = f"SELECT 1 FROM usage_record WHERE {RANGE}"',
        # Copying the column from a row says nothing of whose rows are read.
        'SQL = "SELECT workspace_id FROM template"',
        "def f(s, id_):\n    return s.get(Job, id_)",
        "def f(s, id_):\n    return s.exec(select(Document).where(Document.id == id_)).first()",
    ],
)
def test_what_leaves_the_workspace_out_is_refused(source: str) -> None:
    assert [found.where for found in crossings("core/jobs/control.py", source)] == ["core/jobs/control.py"]


@pytest.mark.parametrize(
    "source",
    [
        'SQL = "SELECT 1 FROM job WHERE workspace_id = :workspace AND id = :id"',
        'SQL = "SELECT 1 FROM job j JOIN unnest(%(ids)s::text[]) i ON j.id = i AND j.workspace_id = %(workspace)s"',
        'HERE = "workspace_id = :workspace"\nSQL = f"SELECT 1 FROM usage_record WHERE {HERE}"',
        'SQL = "INSERT INTO collection (id, workspace_id, name) VALUES (:id, :workspace, :name)"',
        'SQL = "SELECT 1 FROM job_document WHERE job_id = :job"',
        "def f(s, id_):\n    return db.within(s, Job, id_)",
        "def f(s, here):\n    return s.exec(select(Job).where(Job.workspace_id == here)).first()",
        'def f():\n    """Reads FROM job and tells."""',
        'SAID = "Take it from job or document, template or collection."',
    ],
)
def test_what_names_the_workspace_is_let_through(source: str) -> None:
    assert list(crossings("core/jobs/control.py", source)) == []


def test_what_reads_for_the_doors_names_it_also_where_rows_hang_on_others() -> None:
    source = 'SQL = "SELECT id FROM request WHERE job_id = :job"'
    assert [found.text for found in crossings("core/jobs/requests_report.py", source)] == [source[7:-1]]
    assert list(crossings("core/jobs/moving.py", source)) == []


def test_every_table_with_the_column_is_walled() -> None:
    assert set(WALLED) >= {"collection", "document", "insight", "job", "template", "usage_record"}
