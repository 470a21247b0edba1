"""One demo tenant: its people, customers, keys, applications, webhook, and what the record says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apikeys.models import ApiKey
from apikeys.services import keys
from config.demo import applications, domains, groups, history, people
from config.demo.groups import Department
from config.demo.people import Person
from config.demo.record import Record
from core import ids, scope
from core.principal import SYSTEM, Principal
from core.urls import absolute
from oauth import initial_access_tokens
from organizations import services as organizations
from organizations.models import Organization
from roles import resources
from roles.models import ApiResource
from tenants import members, selectors, services
from tenants.models import Member, MemberStatus
from tenants.selectors import TenantRef
from webhooks.models import Endpoint
from webhooks.services import endpoints

READER = ["members:read", "organizations:read", "events:read"]
ORGANIZATION_KEY = ["members:read", "organizations:read"]

# Whoever tries the demo out, a program too, comes from one network and fails on purpose: no form asks for work.
POLICY = {
    "admin_mfa_required": False,
    **dict.fromkeys(("challenge_sign_in", "challenge_sign_up", "challenge_recovery"), "off"),
}


# What the scopes profile, address and phone tell of the demo's member.
PROFILE = {
    "nickname": "Demo",
    "zoneinfo": "Europe/Zurich",
    "phone_number": "+41445551234",
    "phone_number_verified": True,
    "address": {"street_address": "Lindenweg 4", "locality": "Bern", "postal_code": "3012", "country": "CH"},
}


@dataclass(frozen=True)
class Plan:
    """What a demo tenant is made of."""

    slug: str
    name: str
    owner: Person
    second: Person
    member: Person
    suspended: Person
    others: tuple[Person, ...]
    customers: tuple[tuple[str, Person], ...]
    resource: str
    scopes: tuple[tuple[str, str], ...]
    port: int
    groups: tuple[Department, ...] = ()
    domain: str = ""  # of the first customer

    @property
    def support(self) -> str:
        return f"support@{self.slug}.example"


def build(plan: Plan, known: Record, sink: str) -> Record:
    """Create what is missing of a tenant and return its record."""
    owner_account = people.account_of(plan.owner)
    tenant = _tenant(plan, owner_account)
    accounts = {person: people.account_of(person) for person in _everybody(plan)}
    with scope.tenant(tenant.id):
        rows = {person: people.member_of(tenant, person, account) for person, account in accounts.items()}
        people.assign(rows[plan.second], "admin")
        owner = selectors.member_by_account(owner_account)
    assert owner is not None
    actor = people.principal(tenant, owner)
    made = _contents(plan, tenant, actor, rows, known, sink)
    with scope.tenant(tenant.id):
        members.update_member(actor=actor, member=rows[plan.member], changes={"profile": PROFILE})
        history.build([owner, *rows.values()])
        _suspend(actor, rows[plan.suspended])
    if plan.domain:
        domains.prove(tenant, actor, plan.customers[0][0], plan.domain)
    # Receivers added on the command line keep their place: their secrets are shown nowhere else.
    kept = {"webhooks": known["webhooks"]} if "webhooks" in known else {}
    return _record(plan, tenant, {**made, **kept})


def _everybody(plan: Plan) -> list[Person]:
    return [plan.second, plan.member, plan.suspended, *plan.others, *(admin for _, admin in plan.customers)]


def _tenant(plan: Plan, owner_account: Any) -> TenantRef:
    if selectors.by_slug(plan.slug) is None:
        services.create_tenant(
            actor=SYSTEM,
            name=plan.name,
            slug=plan.slug,
            mode="test",
            owner_account_id=owner_account,
            owner_email=plan.owner.email,
            owner_name=plan.owner.name,
            support_email=plan.support,
            policy=POLICY,
        )
    tenant = selectors.by_slug(plan.slug)
    assert tenant is not None
    return tenant


def _contents(
    plan: Plan, tenant: TenantRef, actor: Principal, rows: dict[Person, Member], known: Record, sink: str
) -> Record:
    with scope.tenant(tenant.id):
        customers = [_customer(name, rows[admin], actor) for name, admin in plan.customers]
        groups.build(actor, plan.groups, rows)
        resource = _resource(plan, actor)
        api_scopes = [value for value, _ in plan.scopes]
        apps = applications.build(actor, known.get("applications", {}), plan.port, api_scopes)
        api_keys = {
            name: _key(actor, f"Demo {name}", words, known.get("api_keys", {}).get(name, ""))
            for name, words in (("admin", sorted(actor.permissions)), ("reader", READER))
        }
        webhook = _webhook(actor, sink, known.get("webhook", {}))
        may_register = [*applications.SIGN_IN, *api_scopes]
        registering = _initial_access_token(actor, may_register, known.get("initial_access_token", ""))
    return {
        "organizations": [
            _customer_record(tenant, row, rows[admin], admin, known)
            for row, (_, admin) in zip(customers, plan.customers, strict=True)
        ],
        "applications": apps,
        "api_resource": {"audience": resource.audience, "scopes": api_scopes},
        "api_keys": api_keys,
        "initial_access_token": registering,
        "webhook": webhook,
    }


def _customer(name: str, admin: Member, actor: Principal) -> Organization:
    row = Organization.objects.filter(name=name, status="active").first()
    row = row or organizations.create_organization(actor=actor, name=name)
    people.join(row, admin)
    people.assign(admin, "admin", row)
    return row


def _customer_record(
    tenant: TenantRef, row: Organization, member: Member, admin: Person, known: Record
) -> Record:
    """Return a customer's entry; its key is made by its own administrator, in its own scope."""
    earlier = {entry["id"]: entry for entry in known.get("organizations", [])}
    actor = people.principal(tenant, member, row)
    with scope.organization(tenant.id, row.id):
        secret = earlier.get(row.public_id, {}).get("api_key", "")
        key = _key(actor, f"{row.name} key", ORGANIZATION_KEY, secret, row)
    return {"id": row.public_id, "name": row.name, "admin": admin.sign_in, "api_key": key}


def _key(
    actor: Principal, name: str, scopes: list[str], known: str, organization: Organization | None = None
) -> str:
    """Return the key's secret; one whose secret was lost is made anew."""
    row = ApiKey.objects.filter(name=name, revoked_at=None).first()
    if row is not None and known.startswith(row.hint):
        return known
    resource = resources.control_plane()
    return keys.issue_key(
        actor=actor, name=name, scopes=scopes, resource=resource, organization=organization, expires_at=None
    ).secret


def _initial_access_token(actor: Principal, scopes: list[str], known: str) -> str:
    """Return a token that registers clients; one that may register no more is made anew."""
    held = initial_access_tokens.find_here(known)
    if held is not None and held.status == "active":
        return known
    return initial_access_tokens.create_initial_access_token(
        actor=actor,
        name="Demo programs",
        expires_in=initial_access_tokens.LONGEST,
        max_uses=1000,
        grants=["authorization_code", "refresh_token", "client_credentials"],
        scopes=scopes,
    ).secret


def _resource(plan: Plan, actor: Principal) -> ApiResource:
    row = ApiResource.objects.filter(audience=plan.resource).first()
    if row is None:
        row = resources.create_resource(actor=actor, audience=plan.resource, name=f"{plan.name} API")
        for value, description in plan.scopes:
            resources.create_scope(actor=actor, resource=row, value=value, description=description)
    return row


def _webhook(actor: Principal, url: str, known: Record) -> Record:
    if Endpoint.objects.filter(id=_endpoint_id(known)).exists():
        return known
    made = endpoints.create_endpoint(
        actor=actor, url=url, description="The demo's own receiver", events=["*"]
    )
    return {"id": made.endpoint.public_id, "url": url, "secret": made.secret}


def _endpoint_id(known: Record) -> Any:
    return ids.decode(Endpoint.PREFIX, known["id"]) if "id" in known else None


def _suspend(actor: Principal, member: Member) -> None:
    if member.status != MemberStatus.SUSPENDED:
        members.suspend_member(actor=actor, member=member, reason="Left the company")


def _record(plan: Plan, tenant: TenantRef, made: Record) -> Record:
    return {
        "id": tenant.public_id,
        "issuer": tenant.issuer,
        "dashboard": absolute("origin", "dashboard", slug=plan.slug),
        "portal": absolute("origin", "portal_profile"),
        "api": f"{tenant.issuer}/v1",
        "owner": plan.owner.sign_in,
        "member": plan.member.sign_in,
        "suspended": plan.suspended.sign_in,
        **made,
    }
