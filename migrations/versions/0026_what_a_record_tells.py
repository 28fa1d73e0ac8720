"""what else a usage record tells: more kinds of tokens, tier, region, collection, the live price, why it is unpriced"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: Any = None
depends_on: Any = None

COUNTS = {"cache_write_long_tokens": sa.BigInteger, "reasoning_tokens": sa.BigInteger, "web_searches": sa.BigInteger}
WORDS = ("region", "collection", "unpriced_reason")

# What stands there has no list price of its own: live calls were booked at it, and of batches nobody knows it now.
KNOWN = """
UPDATE usage_record SET tier = CASE WHEN lane = 'batch' THEN 'batch' ELSE 'standard' END,
  list_usd = CASE WHEN lane <> 'batch' THEN cost_usd END,
  unpriced_reason = CASE WHEN priced THEN NULL WHEN input_tokens = 0 THEN 'no_usage' ELSE 'no_price' END
WHERE lane = 'batch' OR cost_usd IS NOT NULL OR NOT priced
"""


def upgrade() -> None:
    for name, kind in COUNTS.items():
        op.add_column("usage_record", sa.Column(name, kind(), server_default=sa.text("0"), nullable=False))
    for name in WORDS:
        op.add_column("usage_record", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("usage_record", sa.Column("tier", sa.Text(), server_default=sa.text("'standard'"), nullable=False))
    op.add_column("usage_record", sa.Column("list_usd", sa.Numeric(20, 12), nullable=True))
    op.execute(KNOWN)


def downgrade() -> None:
    for name in ("list_usd", "tier", *reversed(WORDS), *reversed(COUNTS)):
        op.drop_column("usage_record", name)
