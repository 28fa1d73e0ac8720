"""What a transaction begins with, in one message: what it is for, whose rows it sees, and how it is planned."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Literal, LiteralString

from psycopg import sql

# What a transaction is for: to write; to read, each statement what was committed before it; to read one moment, what
# takes long or what a page shows.
Reads = Literal["and writes", "now", "snapshot", "page"]
OF_ONE_MOMENT: Collection[Reads] = ("snapshot", "page")


@lru_cache(maxsize=1000)
def opening(carried: str, role: str | None, reads: Reads) -> bytes:
    """`carried`: a workspace, or ALL."""
    begin = sql.SQL("{}; SET LOCAL cairn.workspace = {}").format(sql.SQL(BEGINNINGS[reads]), carried)
    if (how := planned(carried, reads)) != "auto":
        begin += sql.SQL("; SET LOCAL plan_cache_mode = {}").format(how)
    if role is not None:
        begin += sql.SQL("; SET LOCAL ROLE {}").format(sql.Identifier(role))
    return begin.as_bytes()


SNAPSHOT: LiteralString = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# None takes so long that to start other processes for it would pay.
ALONE: LiteralString = "SET LOCAL max_parallel_workers_per_gather = 0"
BEGINNINGS: Mapping[Reads, LiteralString] = {
    "and writes": "BEGIN",
    "now": f"BEGIN; {ALONE}",
    "snapshot": SNAPSHOT,
    "page": f"{SNAPSHOT}; {ALONE}",
}


def planned(carries: str, reads: Reads) -> Literal["auto", "force_custom_plan"]:
    """How what a workspace holds is read. A plan that suits any value suits neither a rare nor a frequent one, and one
    that was made while a table was nearly empty is kept until the table is analysed: the pages of a first large job
    would wait for seconds. What is read of the machine has few rows, and takes longer to plan than to read."""
    return "auto" if reads == "and writes" or carries == ALL else "force_custom_plan"


def seeing(carries: str, role: str | None, reads: Reads) -> tuple[str, dict[str, str]]:
    """What lets a transaction that has begun see other rows, with what it is given, as the driver takes it."""
    return SEE, {"carries": carries, "role": role or "none", "planned": planned(carries, reads)}


SEE = """
SELECT set_config('cairn.workspace', %(carries)s, true), set_config('role', %(role)s, true),
  set_config('plan_cache_mode', %(planned)s, true)
"""

# In the place of a workspace: all of them.
ALL = "*"
