"""An insight with what was merged into it: whose evidence and whose pairs count for it."""

# Each of these insights, with itself and what was merged into it. Of any workspace: the caller holds the ids.
MEMBERS = """
SELECT id AS insight, id AS member, workspace_id FROM insight WHERE id = ANY(:ids)
UNION ALL SELECT head_id, id, workspace_id FROM insight WHERE head_id = ANY(:ids)
"""
OUR_MEMBERS = f"SELECT insight, member FROM ({MEMBERS}) of_all WHERE workspace_id = :workspace"
