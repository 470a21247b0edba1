"""A person of an organization, from the application to their own provider and back, with scripts and without."""

from __future__ import annotations

from tests.e2e.conftest import Scene
from tests.e2e.relying_party import RelyingParty
from tests.e2e.walker import Walker


def test_AUT13_an_address_of_the_organization_leads_to_its_provider_and_back(
    walker: Walker, people: Scene, application: RelyingParty
) -> None:
    tenant = people.open
    person = tenant["signed_in_elsewhere"]["new"].pop()
    verifier = application.send(walker, tenant)
    walker.fill("E-mail address", person["email"])
    walker.press("Continue")
    walker.sees("Customs House")  # the provider's own page, with the address filled in
    walker.press("Continue")
    walker.fill("Password", person["password"])
    walker.press("Sign in")
    walker.heading("Allow Harbour Desk?")
    walker.press("Allow")
    claims = application.receive(walker, tenant, verifier)
    assert (claims["amr"], claims["email"]) == (["fed"], person["email"])
    assert claims["access"]["org_id"].startswith("org_")
    # Good here alone: the account's own pages ask for a sign-in of one's own.
    walker.go(tenant["issuer"].partition("/t/")[0] + "/account/")
    walker.heading("Sign in")


def test_AUT20_a_provider_that_cannot_be_asked_has_a_page_of_its_own(walker: Walker, people: Scene) -> None:
    walker.go(f"{people.open['issuer']}/sso/start?connection=sso_nothing")
    walker.heading("The sign-in by your provider did not work")
    walker.sees("Request id")
    walker.follow("Sign in another way")
    walker.heading("Sign in")
