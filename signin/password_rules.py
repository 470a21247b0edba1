"""What a tenant asks of new passwords."""

from __future__ import annotations

from core.passwords import PasswordRules
from signin.flows import flow_scope
from tenants import selectors
from tenants.policy import TenantPolicy
from tenants.selectors import TenantRef


def password_rules(tenant: TenantRef | None) -> tuple[PasswordRules, list[str]]:
    """Return what the tenant asks of passwords, and the words they must not be built from."""
    if tenant is None:
        return PasswordRules(), ["Claviger"]
    with flow_scope(tenant):
        policy = selectors.policy()
    return rules_of(policy), [tenant.slug, "Claviger"]


def rules_of(policy: TenantPolicy) -> PasswordRules:
    return PasswordRules(policy.password_min_length, 4 if policy.password_classes else 0)
