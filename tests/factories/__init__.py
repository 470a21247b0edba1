"""The cast: two tenants and a stranger, made fresh for each test and committed for real.

Nothing is rolled back, so names are random and no test can see another's rows.
"""

from tests.factories.browser import Browser, csrf_of
from tests.factories.people import (
    PASSWORD,
    Cast,
    Person,
    access_token,
    admin_principal,
    make_account,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    make_tenant,
    principal_of,
    unique,
)

__all__ = [
    "PASSWORD",
    "Browser",
    "Cast",
    "Person",
    "access_token",
    "admin_principal",
    "csrf_of",
    "make_account",
    "make_cast",
    "make_member",
    "make_organization",
    "make_principal",
    "make_tenant",
    "principal_of",
    "unique",
]
