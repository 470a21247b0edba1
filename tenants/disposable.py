"""What a tenant does about throw-away addresses (ANC-23)."""

from __future__ import annotations

from identity.disposable import is_disposable
from identity.emails import Address
from identity.errors import DisposableMail
from tenants import selectors
from tenants.policy import TenantPolicy


def action(policy: TenantPolicy, address: Address) -> str:
    """Return what is done about an address: off, notify, step_up or block."""
    return policy.risk_disposable_mail if is_disposable(address.domain) else "off"


def check(address: Address) -> None:
    """Raise DisposableMail where the open tenant takes no such address of a new member."""
    if action(selectors.policy(), address) == "block":
        raise DisposableMail


def check_everywhere(address: Address) -> None:
    """Raise DisposableMail where a tenant of the open account scope's person takes no such address."""
    policies = (TenantPolicy.read(tenant.policy) for tenant in selectors.tenants_of_account())
    if is_disposable(address.domain) and any(action(policy, address) == "block" for policy in policies):
        raise DisposableMail
