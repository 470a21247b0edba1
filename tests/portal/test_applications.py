"""Connected applications: seen by the person alone, and taken back at once (POR-04, O16)."""

from __future__ import annotations

import pytest

from core import scope
from core.principal import Actor
from oauth import applications, consents
from oauth.models import Consent
from tests.dashboard.test_frame import signed_in
from tests.factories import Browser, Cast, Person, admin_principal


def allow(cast: Cast, person: Person, owner: Person) -> Consent:
    """Register an application in the person's tenant and let the person allow it something."""
    actor = admin_principal(person.tenant, owner)
    with scope.tenant(person.tenant.id):
        made = applications.create_application(
            actor=actor,
            name=f"Reports of {person.tenant.slug}",
            type="web",
            redirect_uris=["https://app.example/cb"],
            scopes=["openid", "email"],
        )
        return consents.grant(
            actor=Actor("user", person.subject),
            member_id=person.member.id,
            application_id=made.application.id,
            scopes=["openid", "email"],
        )


def test_POR04_a_person_sees_what_they_allowed_and_takes_it_back(cast: Cast) -> None:
    consent = allow(cast, cast.member, cast.owner)
    browser = signed_in(cast.member)
    page = browser.get("/account/applications")
    assert f"Reports of {cast.acme.slug}" in page.content.decode()
    done = browser.submit(page, to=f"/account/applications/{consent.public_id}/withdrawal")
    assert done.status_code == 303
    assert f"Reports of {cast.acme.slug}" not in browser.get("/account/applications").content.decode()
    with scope.tenant(cast.acme.id):
        assert consents.given(cast.member.member.id, consent.application_id) == frozenset()


@pytest.mark.parametrize("who", ["stranger", "owner", "other_member"])
def test_A1_nobody_else_sees_or_takes_back_a_consent(cast: Cast, who: str) -> None:
    consent = allow(cast, cast.member, cast.owner)
    browser = signed_in(getattr(cast, who))
    page = browser.get("/account/applications")
    assert f"Reports of {cast.acme.slug}" not in page.content.decode()
    refused = browser.submit(page, to=f"/account/applications/{consent.public_id}/withdrawal")
    assert refused.status_code == 404
    with scope.tenant(cast.acme.id):
        assert consents.given(cast.member.member.id, consent.application_id) == frozenset({"openid", "email"})


def test_somebody_not_signed_in_is_asked_to_sign_in() -> None:
    assert Browser().get("/account/applications").headers["Location"].startswith("/sign-in")
