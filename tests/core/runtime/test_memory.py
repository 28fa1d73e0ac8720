"""How much memory there is, and how much of it the database keeps pages in."""

from pathlib import Path

import pytest

from core.runtime import memory
from core.runtime.embedded_postgres import buffers_mb


def test_a_container_has_as_much_as_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "LIMITS", (str(given), str(tmp_path / "none")))
    machine = memory.total_mb()
    given.write_text("max\n")
    assert memory.total_mb() == machine > 0
    given.write_text(f"{100 << 20}\n")
    assert memory.total_mb() == 100


@pytest.mark.parametrize(("memory_mb", "buffers"), [(512, 256), (2048, 512), (64_000, 1024)])
def test_the_database_keeps_pages_in_a_quarter_of_it(memory_mb: int, buffers: int) -> None:
    assert buffers_mb(memory_mb) == buffers
