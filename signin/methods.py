"""Which methods are open to whom (AUT-12): the tenant's list, narrowed by the organization that is asked for."""

from __future__ import annotations

from identity import methods as known
from identity import siwe
from mail import texts
from organizations.policy import sign_in_methods
from signin.errors import MethodDisabled
from signin.flows import flow_scope
from signin.interaction import Interaction, load
from signin.models import SignInFlow
from tenants.selectors import TenantRef

# At the bare origin people open their own account; no tenant's switch reaches there.
AT_ORIGIN = frozenset(known.DEFAULT)
BY_MAIL = frozenset({known.MAGIC_LINK, known.EMAIL_CODE})

BY_ADDRESS = BY_MAIL | {known.PASSWORD}


def allowed(tenant: TenantRef | None, interaction: Interaction) -> frozenset[str]:
    """Return the methods that this visit may use; opens the tenant's scope itself."""
    if tenant is None:
        return AT_ORIGIN
    with flow_scope(tenant):
        return here(tenant, interaction)


def here(tenant: TenantRef | None, interaction: Interaction) -> frozenset[str]:
    """As `allowed`, in the scope that is open already."""
    return _working(sign_in_methods(interaction.organization_id)) if tenant else AT_ORIGIN


def _working(chosen: frozenset[str]) -> frozenset[str]:
    """Leave out what this installation has no means for."""
    lacking = set() if texts.is_available() else {known.PHONE_CODE}
    return chosen - (lacking if siwe.is_available() else lacking | {known.WALLET})


def check(tenant: TenantRef | None, interaction: Interaction, *wanted: str) -> None:
    """Raise MethodDisabled unless one of these methods is open here; opens the tenant's scope itself."""
    if not allowed(tenant, interaction).intersection(wanted):
        raise MethodDisabled


def check_flow(tenant: TenantRef | None, flow: SignInFlow, *wanted: str) -> None:
    """As `check`, in the open scope and for what the person came for when the flow began."""
    if not here(tenant, interaction_of(tenant, flow)).intersection(wanted):
        raise MethodDisabled


def takes_password(tenant: TenantRef | None, interaction: Interaction) -> bool:
    """Whether signing up asks for a password; raises MethodDisabled where a mail would let nobody in either."""
    check(tenant, interaction, *BY_ADDRESS)
    return known.PASSWORD in allowed(tenant, interaction)


def interaction_of(tenant: TenantRef | None, flow: SignInFlow) -> Interaction:
    return load(flow.data["interaction"], tenant.slug if tenant else "")
