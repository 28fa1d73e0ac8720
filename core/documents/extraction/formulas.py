"""Results of formulas that nobody has calculated yet, by formualizer, where it surely knows them.

Not for what depends on the moment or on chance, nor where a function that it does not know could hide behind one that
catches errors: there the formula itself is shown. So, too, where a workbook has more than some 50,000 of them: then the
engine wants to write a file, which the sandbox refuses.
"""

import re
import resource
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from zipfile import ZipFile

# What the engine needs of memory for a byte of the unpacked file, with room to spare; measured: 8 to 9.
MEMORY_FOR_A_BYTE = 15
MOST_BYTES = 100_000_000
SECONDS = 20
MOST_SINGLY = 1_000
_FORMULA = re.compile(rb"<(?:\w+:)?(?:f|definedName|calculatedColumnFormula)\b[^<>]*>([^<]+)<")
_FUNCTION = re.compile(rb"([A-Za-z_][\w.]*)\(")
_CATCHES = re.compile(rb"(?i)\b(?:IFERROR|IFNA|ISERR|ISERROR|ISNA|ERROR\.TYPE|AGGREGATE|ISNUMBER|ISTEXT|TYPE|COUNT)\(")
_OF_THE_MOMENT = re.compile(rb"(?i)\b(?:TODAY|NOW|RAND|RANDBETWEEN|RANDARRAY)\(")
# Cells of other files, and what only a running program knows.
_ELSEWHERE = re.compile(rb"(?i)\[\d+\]|\b(?:CELL|INFO)\(")
# Errors that are results. Others may be the engine's.
_ERRORS = {"Div": "#DIV/0!", "Na": "#N/A"}
# Two moments and seeds: what differs between them depends on them.
_MOMENTS = (datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(2033, 7, 19, 20, 21, 22, tzinfo=UTC))

Value = float | str | bool
Found = TypeVar("Found")


@dataclass(frozen=True)
class Error:
    """As a cell shows it."""

    text: str


class Formulas:
    """The engine is loaded when it is first asked."""

    def __init__(self, path: Path, date1904: bool) -> None:
        self._path, self._date1904 = path, date1904
        self._engines: list[Engine] | None = None

    def result(self, sheet: str, row: int, column: int) -> Value | Error | None:
        """`row` and `column` count from 1. None: not known."""
        engines = self._loaded()
        found = [one.result(sheet, row, column) for one in engines]
        return found[0] if found and all(one == found[0] for one in found) else None

    def formula(self, sheet: str, row: int, column: int) -> str:
        """Empty: not known."""
        return next((one.formula(sheet, row, column) for one in self._loaded()), "")

    def _loaded(self) -> "list[Engine]":
        if self._engines is None:
            self._engines = self._load()
        return self._engines

    def _load(self) -> "list[Engine]":
        with ZipFile(self._path) as archive:
            size = sum(one.file_size for one in archive.infolist())
            if size > _room():
                return []
            written = list(_written(archive))
        if any(_CATCHES.search(one) for one in written) and not _are_known(written):
            return []
        moments = _MOMENTS if any(_OF_THE_MOMENT.search(one) for one in written) else _MOMENTS[:1]
        if size * len(moments) > _room():
            return []
        engines = [_tried(partial(Engine, self._path, self._date1904, moment)) for moment in moments]
        return [] if None in engines else [one for one in engines if one]


class Engine:
    def __init__(self, path: Path, date1904: bool, moment: datetime) -> None:
        import formualizer  # 22 MB that few files need

        config = formualizer.EvaluationConfig()
        config.enable_parallel, config.max_threads = False, 1
        config.max_eval_time_ms = SECONDS * 1000
        config.workbook_seed = moment.year
        config.date_system = "1904" if date1904 else "1900"
        settings = formualizer.WorkbookConfig(eval_config=config)
        self._workbook = formualizer.Workbook.load_path(str(path), config=settings)
        self._workbook.set_temporal_egress("serial")
        self._workbook.set_deterministic_clock(moment)
        # Where it gives up at one formula, each of the others takes it long. None: no limit.
        self._singly = None if _tried(self._all) else MOST_SINGLY

    def _all(self) -> bool:
        self._workbook.evaluate_all()
        return True

    def result(self, sheet: str, row: int, column: int) -> Value | Error | None:
        if self._singly is not None:
            self._singly -= 1
            if self._singly < 0:
                return None
        (found,) = _tried(lambda: self._workbook.evaluate_cells([(sheet, row, column)])) or (None,)
        if isinstance(found, dict):
            known = _ERRORS.get(str(found.get("kind")))
            return Error(known) if known else None
        return found if isinstance(found, bool | int | float | str) else None

    def formula(self, sheet: str, row: int, column: int) -> str:
        return _tried(lambda: self._workbook.get_formula(sheet, row, column)) or ""


def _tried(call: Callable[[], Found]) -> Found | None:
    """None where the engine gives up, also by a panic of Rust, which is no Exception: the document is read all the
    same."""
    try:
        return call()
    except (MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the outer boundary of the engine
        print(f"a formula was not calculated: {type(error).__name__}", file=sys.stderr)
        return None


def _room() -> int:
    memory = resource.getrlimit(resource.RLIMIT_AS)[0]
    return MOST_BYTES if memory < 0 else min(memory // MEMORY_FOR_A_BYTE, MOST_BYTES)


def _written(archive: ZipFile) -> Iterator[bytes]:
    """All formulas of the file."""
    for one in archive.infolist():
        if one.filename.endswith(".xml"):
            data = archive.read(one)
            if b"<f" in data or b":f" in data or b"definedName" in data or b"calculatedColumnFormula" in data:
                yield from (found[1] for found in _FORMULA.finditer(data))


def _are_known(written: list[bytes]) -> bool:
    functions = {name.upper() for one in written for name in _FUNCTION.findall(one)}
    return not any(_ELSEWHERE.search(one) for one in written) and all(map(_is_known, functions))


def _is_known(function: bytes) -> bool:
    import formualizer

    workbook = formualizer.Workbook()
    workbook.add_sheet("S")
    name = function.decode("utf-8", "replace")

    def asked() -> object:
        workbook.set_formula("S", 1, 1, f"={name}()")
        return workbook.evaluate_cells([("S", 1, 1)])[0]

    found = _tried(asked)
    return found is not None and not (isinstance(found, dict) and found.get("kind") == "Name")
