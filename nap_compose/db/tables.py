"""The records' tables and their keys: parents stand before what refers to them."""

from __future__ import annotations

from collections.abc import Mapping

TABLES: Mapping[str, tuple[str, ...]] = {
    "users": ("id",),
    "apps": ("id",),
    "revisions": ("app_id", "number"),
    "deployments": ("id",),
    "steps": ("deployment", "step"),
    "shares": ("app_id", "grantee"),
    "given": ("maker", "name"),
    "quotas": ("subject", "resource"),
    "credentials": ("owner", "registry"),
    "audit": ("seq",),
    "audit_head": ("id",),
}
"""Table → the columns of its primary key. What a backup holds."""

TRAIL = ("audit", "audit_head")
HEAD = "audit_head"
"""A table that has its one row from the start."""
