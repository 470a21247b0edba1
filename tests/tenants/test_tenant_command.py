"""An operator stops a whole tenant and starts it again (TEN-07)."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core import ids, scope
from events.models import Event
from tenants import selectors
from tests.factories import Browser, make_cast
from tests.factories.hosted import elsewhere, prefix, sign_in
from tests.factories.people import access_token


@pytest.fixture
def cast():
    return make_cast()


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("tenant", *arguments, stdout=out)
    return out.getvalue()


def asked(tenant: Any, token: str) -> int:
    answer = Browser().api("GET", f"{prefix(tenant)}/v1/me", token)
    status: int = answer.status_code
    return status


def test_TEN07_a_suspended_tenant_stops_and_comes_back_and_others_go_on(cast):
    tenant, other = cast.acme, cast.globex
    mine, theirs = access_token(cast.member), access_token(cast.other_member)
    assert (asked(tenant, mine), asked(other, theirs)) == (200, 200)
    assert (
        run("suspend", tenant.slug, "--reason", "Unpaid since March") == f"{tenant.slug} is now suspended.\n"
    )
    assert asked(tenant, mine) in (401, 403)
    assert elsewhere().get(f"{prefix(tenant)}/sign-in").status_code == 403
    assert asked(other, theirs) == 200
    assert run("suspend", tenant.slug, "--reason", "Again") == f"{tenant.slug} was suspended.\n"
    assert run("reactivate", tenant.slug, "--reason", "Paid") == f"{tenant.slug} is now active.\n"
    assert asked(tenant, mine) == 200
    sign_in(elsewhere(), tenant, cast.member.email)
    with scope.tenant(tenant.id):
        told = Event.objects.filter(type__in=["tenant.suspended", "tenant.reactivated"]).order_by("id")
        reasons = [(row.type, json.loads(bytes(row.canonical))["data"]["object"]["reason"]) for row in told]
        assert selectors.tenant().status == "active"
    assert reasons == [("tenant.suspended", "Unpaid since March"), ("tenant.reactivated", "Paid")]


def test_TEN07_an_unknown_tenant_or_an_empty_reason_is_refused_in_words(cast):
    with pytest.raises(CommandError, match="No tenant has the slug"):
        run("suspend", f"none-{ids.uuid7().hex[:8]}", "--reason", "x")
    with pytest.raises(CommandError, match="1 to 300"):
        run("suspend", cast.acme.slug, "--reason", "  ")
    with pytest.raises(CommandError, match="--reason"):
        run("suspend", cast.acme.slug)
    assert elsewhere().get(f"{prefix(cast.acme)}/sign-in").status_code == 200
