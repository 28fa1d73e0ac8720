"""sums of usage records by day and what they are of, kept by triggers that append deltas"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: Any = None
depends_on: Any = None

KEYS = 'workspace_id, job_id, "user", template_id, collection, provider, model, lane, tier, status'
COUNTS = (
    *("calls", "reused", "unpriced", "input_tokens", "cached_input_tokens", "cache_write_tokens"),
    *("cache_write_long_tokens", "output_tokens", "reasoning_tokens", "web_searches", "listed"),
)
MONEY = ("cost_usd", "list_usd", "listed_cost_usd", "saved_usd")
MEASURES = ", ".join((*COUNTS, *MONEY))
# Of rows that have a sign: -1 for what is gone.
OF_ROWS = """sum(CASE WHEN reused THEN 0 ELSE sign END) AS calls, sum(CASE WHEN reused THEN sign ELSE 0 END) AS reused,
      sum(CASE WHEN priced THEN 0 ELSE sign END) AS unpriced, sum(sign * input_tokens) AS input_tokens,
      sum(sign * cached_input_tokens) AS cached_input_tokens, sum(sign * cache_write_tokens) AS cache_write_tokens,
      sum(sign * cache_write_long_tokens) AS cache_write_long_tokens, sum(sign * output_tokens) AS output_tokens,
      sum(sign * reasoning_tokens) AS reasoning_tokens, sum(sign * web_searches) AS web_searches,
      sum(CASE WHEN list_usd IS NULL THEN 0 ELSE sign END) AS listed, sum(sign * coalesce(cost_usd, 0)) AS cost_usd,
      sum(sign * coalesce(list_usd, 0)) AS list_usd,
      sum(CASE WHEN list_usd IS NULL THEN 0 ELSE sign * coalesce(cost_usd, 0) END) AS listed_cost_usd,
      sum(sign * coalesce(saved_usd, 0)) AS saved_usd"""
ADDED, REMOVED = "SELECT 1 AS sign, r.* FROM added r", "SELECT -1 AS sign, r.* FROM removed r"


def delta(rows: str) -> str:
    """All zones of today are whole quarters of an hour from UTC: a quarter belongs to one day in each of them."""
    return f"""
    INSERT INTO usage_delta (quarter, {KEYS}, {MEASURES})
    SELECT * FROM (
      SELECT date_bin('15 minutes', time, TIMESTAMPTZ 'epoch') AS quarter, {KEYS},
      {OF_ROWS}
      FROM ({rows}) r GROUP BY quarter, {KEYS}
    ) d WHERE ({MEASURES}) IS DISTINCT FROM ({", ".join("0" for _ in (*COUNTS, *MONEY))});"""


FUNCTION = f"""
CREATE FUNCTION add_usage_deltas() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN {delta(ADDED)}
  ELSIF TG_OP = 'DELETE' THEN
    -- As most do that look for estimates of lost calls.
    IF NOT EXISTS (SELECT FROM removed) THEN RETURN NULL; END IF;
    {delta(REMOVED)}
  ELSE {delta(f"{ADDED} UNION ALL {REMOVED}")}
  END IF;
  RETURN NULL;
END $$
"""
# A fold that is under way has to end before: what it adds would stay.
EMPTYING = """
CREATE FUNCTION empty_usage_sums() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE usage_sum, usage_delta IN SHARE ROW EXCLUSIVE MODE;
  DELETE FROM usage_sum;
  DELETE FROM usage_delta;
  RETURN NULL;
END $$
"""
TRIGGERS = (
    ("INSERT", "REFERENCING NEW TABLE AS added", "add_usage_deltas"),
    ("DELETE", "REFERENCING OLD TABLE AS removed", "add_usage_deltas"),
    ("UPDATE", "REFERENCING NEW TABLE AS added OLD TABLE AS removed", "add_usage_deltas"),
    ("TRUNCATE", "", "empty_usage_sums"),
)
# The triggers keep all writers away until this is committed. Everything counts in UTC at first.
FORMER = f"""
INSERT INTO usage_sum (edition, key, day, zone_day, {KEYS}, {MEASURES})
SELECT 0, sha256(convert_to(ROW(day - DATE '2000-01-01', day - DATE '2000-01-01', {KEYS})::text, 'UTF8')), day, day,
  {KEYS}, {MEASURES}
FROM (SELECT (time AT TIME ZONE 'UTC')::date AS day, {KEYS}, {OF_ROWS}
      FROM (SELECT 1 AS sign, r.* FROM usage_record r) r GROUP BY day, {KEYS}) d
"""


def columns() -> list[sa.Column[Any]]:
    """Those that both tables have. What has a fixed length is first: it is found without reading what stands before."""
    return [
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTS),
        *(sa.Column(name, sa.Numeric(28, 12), nullable=False) for name in MONEY),
        *(
            sa.Column(name.strip('"'), sa.String(), nullable=name in ("job_id", "template_id", "collection"))
            for name in KEYS.split(", ")
        ),
    ]


def upgrade() -> None:
    op.create_table(
        "sums_edition",
        sa.Column("one", sa.Boolean(), sa.CheckConstraint("one"), primary_key=True),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
    )
    op.execute("INSERT INTO sums_edition (one, edition, zone) VALUES (true, 0, 'UTC')")
    op.create_table(
        "usage_sum",
        sa.Column("edition", sa.Integer(), primary_key=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("zone_day", sa.Date(), nullable=False),
        *columns(),
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        # Rows of today are added to all the time.
        postgresql_with={"fillfactor": 80},
    )
    op.create_index("ix_usage_sum_day", "usage_sum", ["workspace_id", "day"])
    op.create_index("ix_usage_sum_job", "usage_sum", ["job_id"])
    op.create_table(
        "usage_delta",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("quarter", sa.DateTime(timezone=True), nullable=False),
        *columns(),
    )
    op.execute(FUNCTION)
    op.execute(EMPTYING)
    for event, rows, function in TRIGGERS:
        op.execute(
            f"""CREATE TRIGGER usage_sums_{event.lower()} AFTER {event} ON usage_record {rows}
                FOR EACH STATEMENT EXECUTE FUNCTION {function}()"""
        )
    op.execute(FORMER)
    op.execute("ANALYZE usage_sum")


def downgrade() -> None:
    for event, _, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER usage_sums_{event.lower()} ON usage_record")
    for function in ("empty_usage_sums", "add_usage_deltas"):
        op.execute(f"DROP FUNCTION {function}()")
    for table in ("usage_delta", "usage_sum", "sums_edition"):
        op.drop_table(table)
