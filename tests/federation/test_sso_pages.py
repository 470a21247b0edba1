"""The dashboard's pages of connections: from the first form to the switch, and what went wrong in words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core import scope
from federation.models import Connection
from tests.factories import csrf_of, make_member, make_organization
from tests.factories.hosted import at_home
from tests.factories.people import give_role
from tests.federation.upstream import CLIENT, SECRET
from tests.federation.world import connect, sign_in


@pytest.fixture(scope="module")
def owner(cast):
    return at_home(cast.owner)


def url(cast: Any, path: str) -> str:
    return f"/dashboard/{cast.acme.slug}/{path}"


def read(browser: Any, cast: Any, path: str) -> str:
    shown = browser.get(url(cast, path))
    assert shown.status_code == 200, shown.content.decode()[:500]
    return shown.content.decode()


def send(browser: Any, cast: Any, page: str, path: str, **data: object) -> Any:
    shown = browser.get(url(cast, page))
    return browser.post(url(cast, path), {"csrfmiddlewaretoken": csrf_of(shown), **data})


def test_ORG06_from_the_first_form_by_a_test_sign_in_to_the_switch(cast, upstream, owner):
    organization = make_organization(cast.acme)
    tab = read(owner, cast, f"organizations/{organization.public_id}/sso")
    assert f"sso/new?organization={organization.public_id}" in tab
    form = read(owner, cast, f"sso/new?organization={organization.public_id}")
    assert f"{cast.acme.issuer}/sso/callback" in form
    fields = {"name": "Corp", "organization": organization.public_id, "client_id": CLIENT}
    refused = send(owner, cast, "sso/new", "sso/new", **fields, issuer="http://10.0.0.1", client_secret="x")
    assert (refused.status_code, "public https" in refused.content.decode()) == (422, True)
    made = send(owner, cast, "sso/new", "sso/new", **fields, issuer=upstream.issuer, client_secret=SECRET)
    path = made.headers["Location"].partition(f"{cast.acme.slug}/")[2]
    page = read(owner, cast, path)
    assert SECRET not in page
    early = owner.follow(send(owner, cast, path, f"{path}/activation"))
    assert "was not tested yet" in early.content.decode()
    test = re.search(r'href="([^"]*/sso/test\?ticket=[^"]*)"', page)[1]
    there = owner.get(test).headers["Location"]
    upstream.spoil = lambda claims: {**claims, "aud": "other"}
    shown = owner.follow(owner.get(upstream.answer(there, "me"))).content.decode()
    assert "The audience: the ID token is not for our client id." in shown
    upstream.spoil = lambda claims: claims
    there = owner.get(test).headers["Location"]
    email = "me@else.example"
    shown = owner.follow(owner.get(upstream.answer(there, "me", email=email, email_verified=True)))
    assert "The domain: the organization has not proved" in shown.content.decode()
    from tests.federation.world import own_domain

    own_domain(cast.acme, organization, "else.example")
    there = owner.get(test).headers["Location"]
    shown = owner.follow(owner.get(upstream.answer(there, "me", email=email, email_verified=True, x="<b>")))
    assert "The test sign-in worked" in shown.content.decode()
    assert "&lt;b&gt;" in shown.content.decode()
    assert send(owner, cast, path, f"{path}/activation").status_code == 303
    assert "active" in read(owner, cast, f"organizations/{organization.public_id}/sso")
    assert "Corp" in read(owner, cast, "sso?status=active&q=co")
    assert "No connection matches" in read(owner, cast, "sso?q=zzz")


def test_settings_people_exemptions_enforcement_and_the_end(cast, upstream, owner):
    row = connect(cast.acme, upstream, name="Whole")
    path = f"sso/{row.public_id}"
    sign_in(cast.acme, upstream, row, "page-person", email="page@where.example")
    assert "page-person" in read(owner, cast, path)
    settings = {
        "name": "Whole again", "client_id": CLIENT, "client_auth": "client_secret_basic",
        "scopes": "openid email", "claim_email": "mail", "claim_groups": "", "create_members": "on",
        "algorithms": ["ES256"], "default_role": "",
    }  # fmt: skip
    assert send(owner, cast, path, path, **settings).status_code == 303
    with scope.tenant(cast.acme.id):
        changed = Connection.objects.get(id=row.id)
        assert (changed.name, changed.scopes, changed.attributes) == (
            "Whole again", ["openid", "email"], {"email": "mail"},
        )  # fmt: skip
        Connection.objects.filter(id=row.id).update(tested_at=changed.created_at)
    lonely = owner.follow(send(owner, cast, path, f"{path}/enforcement", reason="policy"))
    assert "Nobody could get in" in lonely.content.decode()
    send(owner, cast, path, f"{path}/exemptions", member=cast.owner.email, reason="break glass")
    send(owner, cast, path, f"{path}/enforcement", reason="policy")
    page = read(owner, cast, path)
    assert "Enforced: only this connection" in page
    send(owner, cast, path, f"{path}/enforcement", off="1")
    for kind in ("exemptions", "identities"):
        gone = re.search(rf"{path}/{kind}/(\w+)/deletion", page)[1]
        assert send(owner, cast, path, f"{path}/{kind}/{gone}/deletion").status_code == 303
    assert "Nobody is exempt." in read(owner, cast, path)
    send(owner, cast, path, f"{path}/activation", off="1", reason="done")
    assert send(owner, cast, path, f"{path}/deletion", confirm="other", reason="x").status_code == 422
    send(owner, cast, path, f"{path}/deletion", confirm="Whole again", reason="done")
    assert owner.get(url(cast, path)).status_code == 404


def test_A1_an_organizations_administrator_sees_and_changes_its_own_only(cast, upstream):
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        give_role(person.member, "owner", organization)
    theirs, ours = connect(cast.acme, upstream), connect(cast.acme, upstream, organization)
    browser = at_home(person)
    listed = read(browser, cast, "sso")
    assert ours.public_id in listed
    assert theirs.public_id not in listed
    assert browser.get(url(cast, f"sso/{theirs.public_id}")).status_code == 404
    page = read(browser, cast, f"sso/{ours.public_id}")
    assert "second factor (amr)" not in page
    path = f"sso/{ours.public_id}"
    send(browser, cast, path, f"{path}/activation", off="1", reason="done")
    with scope.tenant(cast.acme.id):
        assert Connection.objects.get(id=ours.id).status == "inactive"
    stranger = at_home(cast.stranger)
    assert stranger.get(url(cast, "sso")).status_code == 404
