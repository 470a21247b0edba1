"""The database's roles, and what a row is compared with: the settings that core.scope writes."""

from __future__ import annotations

from enum import StrEnum

OWNER, APP, RELAY, ROUTER, BACKUP = (
    "claviger_owner",
    "claviger_app",
    "claviger_relay",
    "claviger_router",
    "claviger_backup",
)
TENANT = "(SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)"
ACCOUNT = "(SELECT nullif(current_setting('app.account_id', true), '')::uuid)"
OPERATOR = "(SELECT current_setting('app.operator', true) = 'on')"
# A boolean of its own: as a comparison inside an OR, the planner would expect it to hold for few rows.
ALL = "(SELECT current_setting('app.organization_id', true) = 'all')"
ONE = "(SELECT nullif(nullif(current_setting('app.organization_id', true), ''), 'all')::uuid)"


class Organizations(StrEnum):
    """What an organization-level principal sees of a tenant's table."""

    HIDDEN = "hidden"  # nothing: tenant-level principals only
    OWN = "own"  # rows whose organization_id is its own
    OWN_OR_SHARED = "own_or_shared"  # its own rows; rows of no organization may be read, not written
    SHARED = "shared"  # may read all, write none
    SHARED_WRITE = "shared_write"  # reads and writes like a tenant-level caller
    MEMBERSHIP = "membership"  # rows of members who belong to it


def organization_policy(
    table: str, mode: Organizations, exempt: str, column: str = "organization_id"
) -> list[str]:
    """Return the RESTRICTIVE policy of a mode; `exempt` is SQL for rows the policy lets pass as they are."""
    if mode is Organizations.SHARED_WRITE:
        return []
    rows = {
        Organizations.HIDDEN: ALL,
        Organizations.OWN: f"({ALL} OR {column} = {ONE})",
        Organizations.OWN_OR_SHARED: f"({ALL} OR {column} = {ONE})",
        Organizations.SHARED: ALL,
        Organizations.MEMBERSHIP: (
            f"({ALL} OR EXISTS (SELECT 1 FROM organizations_membership m"
            f" WHERE m.member_id = {table}.id AND m.organization_id = {ONE}))"
        ),
    }[mode]
    test = f"({rows} OR {exempt})" if exempt else rows
    head = f"CREATE POLICY organization_{{0}} ON {table} AS RESTRICTIVE FOR {{1}} TO {APP} "
    read = f"({TENANT} IS NOT NULL" + (f" OR {exempt})" if exempt else ")")
    shared = f"({test} OR ({column} IS NULL AND {TENANT} IS NOT NULL))"
    seen = {Organizations.SHARED: read, Organizations.OWN_OR_SHARED: shared}.get(mode, test)
    written = ALL if mode is Organizations.MEMBERSHIP else test
    return [
        head.format("read", "SELECT") + f"USING ({seen})",
        head.format("insert", "INSERT") + f"WITH CHECK ({written})",
        head.format("update", "UPDATE") + f"USING ({test}) WITH CHECK ({test})",
        head.format("delete", "DELETE") + f"USING ({written})",
    ]
