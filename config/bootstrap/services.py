"""The link of the first operator, and what it opens.

The link is a signed statement of address and expiry; nothing is stored. It works once because it makes the
account of its address, which can be made only once, and no link works any more once there is a tenant:
also none that a restored backup might bring back.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext as _

from core import scope
from core.errors import Conflict, FieldError, Gone, ValidationFailed
from core.principal import Actor
from identity import emails
from identity import selectors as people
from identity import services as accounts
from identity.emails import Address
from tenants import selectors, services
from tenants.models import Tenant

SALT = "claviger.bootstrap"
LONGEST = timedelta(days=7)


def issue_link(*, address: Address, life: timedelta) -> str:
    """Return a link for the first operator, good for `life` and one use. Raises Conflict, Gone."""
    _require_new_installation()
    if people.account_id_by_address(address) is not None:
        raise Conflict(f"{address.mailbox} has an account. Sign in and make a tenant at /dashboard/new.")
    expires = timezone.now() + min(life, LONGEST)
    statement = {"email": address.mailbox, "expires": int(expires.timestamp())}
    return f"{settings.ORIGIN}/bootstrap?token={signing.dumps(statement, salt=SALT, compress=True)}"


def read_link(token: str) -> Address:
    """Return whom the link is for; raises Gone when it is forged, expired or used."""
    try:
        statement = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise Gone(_("This link is not whole. Copy all of it, or run manage.py bootstrap again.")) from None
    if statement["expires"] < timezone.now().timestamp():
        raise Gone(_("This link has expired. Run manage.py bootstrap again for a new one."))
    address = emails.parse(statement["email"])
    _require_new_installation()
    if people.account_id_by_address(address) is not None:
        raise Gone(_("This link was used. Sign in with the account that it made."))
    return address


def found(*, token: str, name: str, password: str, tenant_name: str, slug: str, mode: str) -> Tenant:
    """Make the operator's account, then a workspace with its first tenant, owned by that account.

    Everything that could be refused is checked before the account exists, because the account spends the
    link. Raises Gone, PasswordRefused, ValidationFailed, Conflict.
    """
    address = read_link(token)
    services.check_slug(slug)
    if selectors.by_slug(slug) is not None:
        raise ValidationFailed(errors=[FieldError("/slug", "taken", _("Another tenant has this slug."))])
    accounts.check_new_password(password, words=[*address.words, name, tenant_name])
    account = accounts.create_account(email=address, password=password, name=name)
    return services.create_tenant(
        # The person has no subject before the tenant exists.
        actor=Actor("admin", "founder"),
        name=tenant_name,
        slug=slug,
        mode=mode,
        owner_account_id=account.id,
        owner_email=address.mailbox,
        owner_name=name,
    )


def _require_new_installation() -> None:
    with scope.operator():
        taken = Tenant.objects.exists()
    if taken:
        raise Gone(_("This installation has a tenant already. Ask its owner for an invitation."))
