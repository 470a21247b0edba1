"""The one order of checks (AZ-07, api-conventions §2): of two failures the earlier is reported."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import pytest
from django.test import override_settings
from django.urls import include, path

from core import scope
from core.api.endpoint import Call, Endpoint, operation
from core.principal import SubjectType
from organizations.models import Organization
from tenants import tokens
from tests.factories import Browser, Cast, Person, make_cast, make_member, make_organization
from tests.factories.people import _test_application, open_session

ORDER = {
    "present": "token_missing",
    "authentic": "token_invalid",
    "unexpired": "token_expired",
    "token type": "wrong_token_type",
    "audience": "token_invalid",
    "tenant": "tenant_mismatch",
    "organization": "org_mismatch",
    "subject type": "subject_type_not_allowed",
    "scope": "insufficient_scope",
    "role": "insufficient_role",
}


class Everyone(Endpoint):
    organization_in_path = "organization"

    @operation(scope="organizations:read", summary="For anybody with the scope")
    def get(self, call: Call) -> dict[str, bool]:
        return {"reached": True}


class ServicesOnly(Endpoint):
    organization_in_path = "organization"

    @operation(
        scope="organizations:read",
        subject_types=frozenset({SubjectType.SERVICE}),
        summary="For machines only",
    )
    def get(self, call: Call) -> dict[str, bool]:
        return {"reached": True}


urlpatterns = [
    path("v1/order/<str:organization>", Everyone.as_view()),
    path("v1/order-machines/<str:organization>", ServicesOnly.as_view()),
    path("", include("config.urls")),
]


@pytest.fixture(scope="module", autouse=True)
def _addresses() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


@dataclass
class Stage:
    cast: Cast
    admin: Person
    powerless: Person
    ours: Organization
    theirs: Organization


@pytest.fixture(scope="module")
def stage() -> Stage:
    cast = make_cast()
    people = make_member(cast.acme, roles=["admin"]), make_member(cast.acme)
    with scope.tenant(cast.acme.id):
        _test_application()
    ours, theirs = make_organization(cast.acme, people=people), make_organization(cast.acme)
    return Stage(cast, *people, ours, theirs)


def answer(stage: Stage, *wrong: str):
    """Call with everything right but what is named in `wrong`."""
    cast, ours, theirs = stage.cast, stage.ours, stage.theirs
    person = stage.powerless if "role" in wrong else stage.admin
    session = open_session(person, ours)
    minted = tokens.mint_access_token(
        cast.acme,
        subject=person.subject,
        subject_type=SubjectType.USER,
        audience="https://elsewhere.example"
        if "audience" in wrong
        else tokens.control_plane_audience(cast.acme),
        client_id="test",
        scopes=["members:read"] if "scope" in wrong else ["organizations:read"],
        lifetime=600,
        session_id=session.id,
        member=person.member,
        organization_id=ours.id,
    )
    claims = dict(minted.claims)
    if "unexpired" in wrong:
        claims |= {
            "exp": int(time.time()) - 3600,
            "iat": int(time.time()) - 7200,
            "nbf": int(time.time()) - 7200,
        }
    kind = tokens.IdToken if "token type" in wrong else tokens.AccessToken
    token = str(kind(cast.acme, claims))
    if "authentic" in wrong:
        head, body, signature = token.split(".")
        token = f"{head}.{body}.{signature[::-1]}"
    slug = (cast.globex if "tenant" in wrong else cast.acme).slug
    place = "order-machines" if "subject type" in wrong else "order"
    named = (theirs if "organization" in wrong else ours).public_id
    return Browser().api("GET", f"/t/{slug}/v1/{place}/{named}", "" if "present" in wrong else token)


def test_AZ07_with_nothing_wrong_the_operation_is_reached(stage: Stage):
    assert answer(stage).json() == {"reached": True}


@pytest.mark.parametrize("wrong", list(ORDER))
def test_AZ07_each_check_refuses_alone(stage: Stage, wrong: str):
    assert answer(stage, wrong).json()["code"] == ORDER[wrong]


@pytest.mark.parametrize(("earlier", "later"), list(combinations(ORDER, 2)))
def test_AZ07_the_earlier_failure_is_reported(stage: Stage, earlier: str, later: str):
    refused = answer(stage, earlier, later)
    assert refused.json()["code"] == ORDER[earlier]
    assert refused.headers["Content-Type"] == "application/problem+json"
