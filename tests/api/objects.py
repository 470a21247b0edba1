"""One row of every kind that an address can name, so that no sweep leaves one out."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone

from apikeys.services import accounts, keys
from core import scope
from federation import services as single_sign_on
from federation.models import Exemption, UpstreamIdentity
from invitations import services as invitations
from oauth import applications, trusted_issuers
from oauth.initial_access_tokens import create_initial_access_token
from oauth.models import ClientSecret, ExternalIdentity
from organizations.models import OrganizationDomain
from roles import resources
from roles.models import RoleAssignment
from roles.services import add_group_role, add_to_group, create_group, create_role
from tenants.models import SigningKey
from tests.factories import Person, admin_principal, make_organization
from tests.factories.people import open_session
from tests.webhooks.receiver import deliveries, happen, register


def every_kind(tenant: Any, owner: Person) -> dict[str, str]:
    """Return public ids by the name that they have in a path; what lies within another lies in this one."""
    actor = admin_principal(tenant, owner)
    organization = make_organization(tenant, people=[owner])
    endpoint = register(tenant, "https://hooks.example.invalid/sweep").endpoint
    session = open_session(owner)
    with scope.tenant(tenant.id):
        key = keys.issue_key(
            actor=actor, name="k", scopes=["members:read"], resource=resources.control_plane()
        ).key
        application = applications.create_application(
            actor=actor, name="App", type="web", redirect_uris=["https://app.example/cb"], scopes=["openid"]
        ).application
        resource = resources.create_resource(
            actor=actor, audience=f"https://api.example/{organization.public_id}", name="Own API"
        )
        within = resources.create_scope(actor=actor, resource=resource, value="things:read")
        account = accounts.create_service_account(actor=actor, name="Robot")
        invitation = invitations.invite(actor=actor, email=f"{organization.public_id}@example.com")
        role = create_role(actor=actor, name="Own", permissions=["members:read"], organization=organization)
        group = create_group(actor=actor, name="Own", organization=organization)
        add_group_role(actor=actor, group=group, role=role)
        add_to_group(actor=actor, group=group, member=owner.member)
        assignment = RoleAssignment.objects.filter(member=owner.member, group=None).first()
        signing_key = SigningKey.objects.filter(state="next").first()
        secret = ClientSecret.objects.filter(application=application).first()
        token = create_initial_access_token(actor=actor, name="Sweep").row
        issuer = trusted_issuers.create_issuer(
            actor=actor, name="Theirs", issuer=f"https://{uuid.uuid4().hex}.invalid", audiences=["them"]
        )
        identity = ExternalIdentity.objects.create(
            trusted_issuer=issuer, member=owner.member, subject="theirs"
        )
        domain = OrganizationDomain.objects.create(
            organization=organization, domain=f"{uuid.uuid4().hex}.invalid", expires_at=timezone.now()
        )
        connection = single_sign_on.create_connection(
            actor=actor,
            name="Their login",
            issuer=f"https://{uuid.uuid4().hex}.invalid",
            organization=organization,
            client_id="us",
            client_secret="theirs",
        )
        about = {"connection": connection, "organization": organization, "member": owner.member}
        linked = UpstreamIdentity.objects.create(**about, subject="theirs")
        exemption = Exemption.objects.create(**about, reason="sweep")
    [event] = happen(tenant)
    delivery, *_ = deliveries(tenant, endpoint)
    assert assignment is not None
    assert secret is not None
    assert signing_key is not None
    rows = {
        "organization": organization, "key": key, "application": application, "role": role,
        "assignment": assignment, "resource": resource, "scope": within, "account": account,
        "invitation": invitation, "endpoint": endpoint, "delivery": delivery, "secret": secret,
        "session": session, "group": group, "domain": domain,
        "token": token, "issuer": issuer, "identity": identity,
        "signing_key": signing_key, "connection": connection, "linked": linked, "exemption": exemption,
    }  # fmt: skip
    return {name: row.public_id for name, row in rows.items()} | {"member": owner.subject, "event": event}
