"""Migration operations that put PostgreSQL row-level security under every table.

Each table is on one of three lists: tenant rows (`TenantTable`), person rows (`PersonTable`), or plain
(`PlainTable`, no customer data). A catalogue test fails on any table that is on none. Database roles:
owner (migrations, explicit policy on each forced table), app (web and workers), relay (named policies
only), router (owns the lookup functions), backup (reads). See docs/decisions for the proof.
"""

from core.rls.access import LookupFunction, RelayAccess, RouterColumns
from core.rls.conditions import (
    ACCOUNT,
    ALL,
    APP,
    BACKUP,
    ONE,
    OPERATOR,
    OWNER,
    RELAY,
    ROUTER,
    TENANT,
    Organizations,
    organization_policy,
)
from core.rls.operation import table_of
from core.rls.relations import TenantForeignKey
from core.rls.tables import (
    ForcedTable,
    OrganizationMode,
    PersonTable,
    PlainTable,
    SharedTable,
    TenantTable,
)

__all__ = [
    "ACCOUNT",
    "ALL",
    "APP",
    "BACKUP",
    "ONE",
    "OPERATOR",
    "OWNER",
    "RELAY",
    "ROUTER",
    "TENANT",
    "ForcedTable",
    "LookupFunction",
    "OrganizationMode",
    "Organizations",
    "PersonTable",
    "PlainTable",
    "RelayAccess",
    "RouterColumns",
    "SharedTable",
    "TenantForeignKey",
    "TenantTable",
    "organization_policy",
    "table_of",
]
