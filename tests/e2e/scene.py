"""Tenants and people for the browser tests, made by the product's own services inside the installation.

Run there by `manage.py shell`; what it prints is all that a test outside can know: addresses, passwords, keys.
"""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.utils import timezone
from eth_account import Account

from core import scope
from core.principal import SYSTEM, Principal
from federation import services as single_sign_on
from identity import contacts, siwe
from invitations import services as invitations
from roles.selectors import built_in
from tenants import members, selectors
from tests.factories import admin_principal, make_member, make_organization, make_tenant
from tests.factories.factors import add_passkey, add_recovery_codes, add_totp
from tests.factories.people import Person
from tests.federation.world import own_domain
from tests.oauth.helpers import register

Known = dict[str, Any]
MARK = "scene: "  # begins the line that is the answer
EVERY_WAY = ["password", "passkey", "magic_link", "email_code", "phone_code", "wallet", "guest"]
# How many of each kind: every test takes people of its own.
OPEN = {
    "plain": 24,
    "app": 5,
    "codes": 5,
    "passkey": 5,
    "phone": 5,
    "wallet": 6,
    "chooser": 5,
    "suspended": 3,
}
STRICT = {"plain": 5}
WARY = {"plain": 3}
INVITED = 5


def build(callback: str) -> Known:
    """Return three tenants: `open` to every way in, `strict` with a second factor demanded of everybody, `wary`
    of new devices and of programs, and with terms that are to be accepted.
    """
    tag = secrets.token_hex(3)
    # All tests come from one network: after so many mails and failures its forms would ask each of them for work.
    no_work = dict.fromkeys(("challenge_sign_in", "challenge_sign_up", "challenge_recovery"), "off")
    common = {"sign_in_methods": EVERY_WAY, **no_work}
    wide = make_tenant(f"harbour-{tag}", name="Harbour Works", policy=common)
    demand = {**common, "member_factor": "second_factor"}
    strict = make_tenant(f"vault-{tag}", name="Vault & Sons", policy=demand)
    asked = dict.fromkeys(no_work, "always") | {
        "challenge_bits": 12,
        "risk_new_device": "step_up",
        "terms_version": "2026-11",
    }
    wary = make_tenant(f"lookout-{tag}", name="Lookout Point", policy=common | asked)
    made = {"open": _tenant(wide, callback, OPEN), "strict": _tenant(strict, callback, STRICT)}
    made["wary"] = _tenant(wary, callback, WARY)
    made["open"]["invited"] = _invited(wide)
    provider = make_tenant(f"customs-{tag}", name="Customs House", policy=common)
    made["open"]["signed_in_elsewhere"] = _elsewhere(wide, provider, f"customs-{tag}.example")
    return made


def _tenant(tenant: Any, callback: str, wanted: dict[str, int]) -> Known:
    scopes = ["openid", "profile", "email"]
    web = register(tenant, name="Harbour Desk", redirect_uris=[callback], scopes=scopes)
    screen = register(tenant, "device", name="Harbour Screen", redirect_uris=[], scopes=scopes)
    return {
        "slug": tenant.slug,
        "issuer": tenant.issuer,
        "callback": callback,
        "client": [web.application.client_id, web.secret],
        "device_client": screen.application.client_id,
        "people": {kind: [_person(tenant, kind) for _ in range(count)] for kind, count in wanted.items()},
    }


def _person(tenant: Any, kind: str) -> Known:
    person = make_member(tenant, f"{kind}-{secrets.token_hex(4)}@example.com", name="Mia Member")
    known = {"email": person.email, "password": person.password, "subject": person.subject}
    return known | MORE[kind](tenant, person)


def _plain(_tenant: Any, _person: Person) -> Known:
    return {}


def _app(_tenant: Any, person: Person) -> Known:
    return {"totp": base64.b32encode(add_totp(person)).decode()}


def _codes(tenant: Any, person: Person) -> Known:
    return {**_app(tenant, person), "codes": add_recovery_codes(person)}


def _passkey(_tenant: Any, person: Person) -> Known:
    device = add_passkey(person)
    private = device.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    credential = {
        "credentialId": base64.b64encode(device.credential_id).decode(),
        "isResidentCredential": True,
        "rpId": device.rp_id,
        "privateKey": base64.b64encode(private).decode(),
        "userHandle": base64.b64encode(device.handle).decode(),
        "signCount": 1,
    }
    return {"credential": credential}


def _phone(_tenant: Any, person: Person) -> Known:
    number = f"+49309018{secrets.randbelow(10_000):04d}"
    with scope.account(person.account_id):
        contacts.link_phone(account_id=person.account_id, address=contacts.number(number))
    return {"phone": number}


def _wallet(_tenant: Any, person: Person) -> Known:
    key = Account.create()
    with scope.account(person.account_id):
        contacts.link_wallet(account_id=person.account_id, address=siwe.wallet(key.address))
    return {"wallet": key.address, "wallet_key": key.key.hex()}


def _chooser(tenant: Any, person: Person) -> Known:
    names = [f"{place} {secrets.token_hex(2)}" for place in ("North Quay", "South Quay")]
    for name in names:
        make_organization(tenant, name, people=[person])
    return {"organizations": names}


def _suspended(tenant: Any, person: Person) -> Known:
    with scope.tenant(tenant.id):
        members.suspend_member(actor=_owner(tenant), member=person.member, reason="an example")
    return {}


MORE = {
    "plain": _plain,
    "app": _app,
    "codes": _codes,
    "passkey": _passkey,
    "phone": _phone,
    "wallet": _wallet,
    "chooser": _chooser,
    "suspended": _suspended,
}


def _invited(tenant: Any) -> list[str]:
    """Invite people who have no account yet; the links are in their mails."""
    addresses = [f"invited-{secrets.token_hex(4)}@example.com" for _ in range(INVITED)]
    with scope.tenant(tenant.id):
        for address in addresses:
            invitations.invite(actor=_owner(tenant), email=address, roles=[built_in("viewer")])
    return addresses


def _elsewhere(tenant: Any, provider: Any, domain: str) -> Known:
    """Return people of `provider`, which signs those of this domain in to an organization of `tenant`; some of them
    are `known` there already by their own account.
    """
    scopes = ["openid", "email", "profile"]
    back = [f"{tenant.issuer}/sso/callback"]
    ours = register(provider, name="Harbour Works", redirect_uris=back, scopes=scopes, is_first_party=True)
    organization = make_organization(tenant, "Customs")
    own_domain(tenant, organization, domain)
    with scope.tenant(tenant.id):
        row = single_sign_on.create_connection(
            actor=_owner(tenant),
            name="Customs login",
            issuer=provider.issuer,
            organization=organization,
            client_id=ours.application.client_id,
            client_secret=ours.secret,
        )
        row.tested_at = timezone.now()
        row.save()
        single_sign_on.activate(actor=_owner(tenant), connection=row)
    people = [make_member(provider, f"officer-{number}@{domain}", name="Otto Officer") for number in range(8)]
    with scope.tenant(tenant.id):
        for known in people[6:]:
            members.create_member(
                actor=SYSTEM, email=known.email, account_id=known.account_id, email_verified=True
            )
    found = [{"email": person.email, "password": person.password} for person in people]
    return {"new": found[:6], "known": found[6:]}


def _owner(tenant: Any) -> Principal:
    """The tenant's first member, in its open scope."""
    owner = selectors.members().order_by("created_at")[0]
    assert owner.account_id is not None
    return admin_principal(tenant, Person(owner.account_id, owner.email, member=owner, tenant=tenant))


def main(callback: str) -> None:
    print(MARK + json.dumps(build(callback)))
