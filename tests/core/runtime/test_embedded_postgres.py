"""Real clusters and real kill -9. Every test leaves the machine without a process of its cluster."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from core.errors import ConfigurationError, Unavailable
from core.runtime.embedded_postgres import EmbeddedPostgres
from tests.pipeline import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
WEB = """
import sys, time
from pathlib import Path
from core.runtime.embedded_postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)  # nobody keeps the object: the lock must hold
time.sleep(600)
"""


def processes_under(directory: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name", "cwd", "status"]):
        works_here = (process.info["cwd"] or "").startswith(f"{directory}/")
        if works_here and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def wait_until(true: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "did not become true in time"
        time.sleep(0.005)


@pytest.fixture
def new_dir() -> Iterator[Path]:
    """Not tmp_path: the account that root lends to PostgreSQL may not walk through that."""
    directory = Path(tempfile.mkdtemp(prefix="cairn-test-")).resolve()
    yield directory
    left = processes_under(directory)
    for process in left:
        process.kill()
    shutil.rmtree(directory)
    assert left == []


@pytest.fixture(scope="module")
def stopped_cluster() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="cairn-test-")).resolve()
    postgres = EmbeddedPostgres(directory)
    with psycopg.connect(postgres.start()) as connection:
        connection.execute("CREATE TABLE kept (number int)")
    postgres.stop()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def data_dir(stopped_cluster: Path, new_dir: Path) -> Path:
    """A cluster with some history: copying one takes a tenth of the time of making one."""
    subprocess.run(["cp", "-a", f"{stopped_cluster}/.", new_dir], check=True)
    return new_dir


def start_web(data_dir: Path) -> tuple[subprocess.Popen[str], str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WEB, str(data_dir)]
    web = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert web.stdout is not None
    return web, web.stdout.readline().strip()


def kill_web(web: subprocess.Popen[str]) -> None:
    web.kill()
    web.wait()
    assert web.stdout is not None
    web.stdout.close()


def owner_of(directory: Path) -> int | None:
    """For processes that PostgreSQL takes for its own kind: it ignores pids of other accounts."""
    return (directory / "postgres").stat().st_uid if os.geteuid() == 0 else None


def keep(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO kept VALUES (%s)", [number])


def is_kept(url: str, number: int) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT FROM kept WHERE number = %s", [number]).rowcount == 1


def test_first_start_makes_a_private_database_whatever_the_environment(
    new_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "xx_XX.ISO-8859-1")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "a-secret")
    postgres = EmbeddedPostgres(new_dir / "not yet there")
    url = postgres.start()
    with psycopg.connect(url) as connection:
        settings = "SELECT current_setting('listen_addresses'), current_setting('TimeZone'), current_setting('jit')"
        assert connection.execute(settings).fetchone() == ("", "UTC", "off")
        database = "SELECT datname, pg_encoding_to_char(encoding), datlocale FROM pg_database WHERE datname = 'cairn'"
        assert connection.execute(database).fetchone() == ("cairn", "UTF8", "C.UTF-8")
        assert connection.execute("SELECT upper('äß'), 'ÄRGER' ILIKE 'ärger'").fetchone() == ("Äß", True)
    assert "OPENAI_API_KEY" not in psutil.Process(postgres.pid).environ()
    assert (postgres.socket_dir / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700
    postgres.stop()


def test_stop_ends_in_order_and_frees_the_directory(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    keep(postgres.start(), 1)
    assert postgres.alive()
    assert postgres.start() == postgres.url, "a second start changes nothing"
    postgres.stop()
    assert (postgres.alive(), postgres.exit_code, processes_under(data_dir)) == (False, 0, [])
    postgres.stop()
    successor = EmbeddedPostgres(data_dir)
    assert is_kept(successor.start(), 1)
    successor.stop()


def test_restart_is_another_process_with_the_same_data(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    keep(postgres.start(), 2)
    before = postgres.pid
    assert is_kept(postgres.restart(), 2)
    assert postgres.pid != before
    postgres.stop()


@pytest.mark.kills
def test_starts_and_stops_again_and_again(data_dir: Path) -> None:
    for number in range(100, 103):
        postgres = EmbeddedPostgres(data_dir)
        keep(postgres.start(), number)
        postgres.stop()
    assert is_kept(postgres.start(), 100)
    postgres.stop()


def test_a_second_one_on_the_same_directory_is_refused_and_harmless(data_dir: Path) -> None:
    web, url = start_web(data_dir)
    second = EmbeddedPostgres(data_dir)
    with pytest.raises(ConfigurationError, match=rf"process {web.pid}\b.*DATA_DIR.*DATABASE_URL"):
        second.start()
    second.stop()
    keep(url, 3)
    kill_web(web)
    assert is_kept(second.start(), 3)
    second.stop()


@pytest.mark.kills
@pytest.mark.parametrize("victims", ["web", "postmaster", "everything"])
def test_survives_a_hard_kill(data_dir: Path, victims: str) -> None:
    web, url = start_web(data_dir)
    keep(url, 4)
    processes = processes_under(data_dir)
    postmaster = next(process for process in processes if "-D" in process.cmdline())
    if victims != "web":
        os.kill(postmaster.pid, signal.SIGKILL)
    if victims == "everything":
        for process in processes:
            if psutil.pid_exists(process.pid):
                process.kill()
    kill_web(web)
    postgres = EmbeddedPostgres(data_dir)
    assert is_kept(postgres.start(), 4)
    assert postmaster not in processes_under(data_dir)
    postgres.stop()


@pytest.mark.kills
def test_a_backend_that_outlives_its_postmaster_is_ended(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    busy = psycopg.connect(postgres.start(), autocommit=True)
    busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b")
    busy.pgconn.flush()
    wait_until(lambda: any("SELECT" in " ".join(process.cmdline()) for process in processes_under(data_dir)))
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)
    wait_until(lambda: not postgres.alive())
    postgres.start()
    busy.close()
    postgres.stop()


@pytest.mark.kills
@pytest.mark.parametrize("zombie", [False, True])
def test_a_pid_that_is_somebody_elses_now_is_neither_believed_nor_killed(data_dir: Path, zombie: bool) -> None:
    stranger = subprocess.Popen(["sleep", "600"], user=owner_of(data_dir))
    if zombie:
        stranger.kill()
        wait_until(lambda: psutil.Process(stranger.pid).status() == psutil.STATUS_ZOMBIE)
    socket_dir = EmbeddedPostgres(data_dir).socket_dir
    for lock in (data_dir / "postgres" / "postmaster.pid", socket_dir / ".s.PGSQL.5432.lock"):
        lock.write_text(f"{stranger.pid}\n{data_dir / 'postgres'}\n1\n5432\n{socket_dir}\n\n1 1\nready\n")
    postgres = EmbeddedPostgres(data_dir)
    postgres.start()
    postgres.stop()
    if not zombie:
        assert stranger.poll() is None
        stranger.kill()
    stranger.wait()


@pytest.mark.kills
def test_a_postgres_in_another_directory_is_left_alone(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "postgres").symlink_to(sys.executable)
    sleep = "import time; print(flush=True); time.sleep(600)"
    command = [str(tmp_path / "postgres"), "-I", "-c", sleep, "-D", str(data_dir / "postgres")]
    other = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE)
    assert other.stdout is not None
    other.stdout.readline()
    assert psutil.Process(other.pid).name() == "postgres"
    (data_dir / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n")
    postgres = EmbeddedPostgres(data_dir)
    postgres.start()
    postgres.stop()
    assert other.poll() is None
    other.kill()
    other.communicate()


@pytest.mark.kills
def test_a_kill_in_the_middle_of_initdb_leaves_no_half_cluster(new_dir: Path) -> None:
    command = [sys.executable, "-c", WEB, str(new_dir)]
    web = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT)})
    wait_until((new_dir / "postgres.new" / "base").exists)
    web.kill()
    web.wait()
    assert not (new_dir / "postgres").exists()
    assert processes_under(new_dir), "initdb goes on by itself: the next start has to end it"
    postgres = EmbeddedPostgres(new_dir)
    with psycopg.connect(postgres.start()) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("cairn",)
    assert not (new_dir / "postgres.new").exists()
    postgres.stop()


@pytest.mark.kills
def test_stop_interrupts_a_start_in_another_thread(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    errors: list[Exception] = []

    def start() -> None:
        try:
            postgres.start()
        except Unavailable as error:
            errors.append(error)

    starter = threading.Thread(target=start)
    starter.start()
    wait_until(lambda: postgres.pid)
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGSTOP)
    stopper = threading.Thread(target=postgres.stop)
    stopper.start()
    time.sleep(0.2)
    with contextlib.suppress(ProcessLookupError):  # on a busy machine it may have been killed by now
        os.kill(postgres.pid, signal.SIGCONT)
    starter.join(PATIENCE_S)
    stopper.join(PATIENCE_S)
    assert len(errors) == 1
    assert not postgres.alive()


def test_a_path_too_long_for_a_socket_gets_a_private_directory_elsewhere(new_dir: Path) -> None:
    data_dir = new_dir / ("long" * 25)
    postgres = EmbeddedPostgres(data_dir)
    assert postgres.socket_dir.parent == Path(tempfile.gettempdir()).resolve()
    with psycopg.connect(postgres.start()) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("cairn",)
    assert postgres.socket_dir.stat().st_mode & 0o777 == 0o700
    postgres.stop()

    postgres.socket_dir.rmdir()
    postgres.socket_dir.symlink_to(new_dir)
    with pytest.raises(ConfigurationError, match="belongs to somebody else"):
        postgres.start()
    postgres.socket_dir.unlink()


def test_another_major_version_is_refused(new_dir: Path) -> None:
    (new_dir / "postgres").mkdir()
    (new_dir / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ConfigurationError, match=r"made by PostgreSQL 16.*pg_dump"):
        EmbeddedPostgres(new_dir).start()


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"DATA_DIR .*file/data cannot be used.*DATABASE_URL"):
        EmbeddedPostgres(tmp_path / "file" / "data").start()


def test_what_postgres_says_when_it_cannot_start_reaches_the_user(data_dir: Path) -> None:
    configuration = data_dir / "postgres" / "postgresql.auto.conf"
    before = configuration.read_text()
    configuration.write_text("no_such_setting = 1\n")
    # Waiting would not help here: it gives up long before.
    postgres = EmbeddedPostgres(data_dir, ready_within_s=2 * PATIENCE_S)
    started = time.monotonic()
    with pytest.raises(ConfigurationError, match=r"postgres\.log[^$]*no_such_setting"):
        postgres.start()
    assert time.monotonic() - started < PATIENCE_S
    configuration.write_text(before)
    postgres.start()
    postgres.stop()


# In a mount namespace with an /etc of its own, where the account does not exist until another process makes it just
# before we do.
BEATEN = """
set -e
mkdir "$1/etc" "$1/bin"
cp -a /etc/. "$1/etc/"
sed -i /^pgserver:/d "$1/etc/passwd" "$1/etc/shadow" "$1/etc/group" "$1/etc/gshadow"
mount --bind "$1/etc" /etc
if id pgserver 2>/dev/null; then exit 1; fi
printf '#!/bin/sh\n/usr/sbin/useradd "$@"\nexec /usr/sbin/useradd "$@"\n' > "$1/bin/useradd"
chmod +x "$1/bin/useradd"
PATH="$1/bin:$PATH" "$2" -c "$3" "$4"
id pgserver
"""
START = """
import sys
from pathlib import Path
from core.runtime.embedded_postgres import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]))
postgres.start()
postgres.stop()
"""
OWN_MOUNTS = ["unshare", "--mount"]


def may_mount() -> bool:
    """Root in a container may not mount anything."""
    return os.geteuid() == 0 and subprocess.run([*OWN_MOUNTS, "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="only root with CAP_SYS_ADMIN may have an /etc of its own")
def test_an_account_that_another_process_has_just_made_is_used(data_dir: Path, tmp_path: Path) -> None:
    command = [*OWN_MOUNTS, "bash", "-c", BEATEN, "bash", str(tmp_path), sys.executable, START, str(data_dir)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
