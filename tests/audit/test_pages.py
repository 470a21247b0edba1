"""The audit log's pages, as plain functions in an open scope (AUD-01 05 07; threats A1, U1, U2)."""

from __future__ import annotations

import csv
import io
from types import SimpleNamespace

import pytest
from django.db import connections
from django.test import RequestFactory

from audit import pages
from core import context, scope
from core.errors import InsufficientScope, MethodNotAllowed, NotFound, ValidationFailed
from core.principal import Actor
from core.spreadsheets import cell
from events.models import Event
from events.sealing import seal_pending
from events.services import emit
from tests.events.helpers import thing
from tests.factories import admin_principal, make_cast, make_organization, make_principal

ANN = Actor("user", "sub_ann")


@pytest.fixture
def cast():
    return make_cast()


def viewer_of(tenant, principal):
    row = SimpleNamespace(name="Acme", slug=tenant.slug, mode="test")
    return SimpleNamespace(
        principal=principal, tenant=row, url=lambda *parts: "/".join([f"/dashboard/{tenant.slug}", *parts])
    )


def call(page, tenant, principal, query=None, *, method="get", **ids):
    request = getattr(RequestFactory(), method)("/dashboard/x/audit", query or {})
    request.csp_nonce = "n"
    with scope.principal(principal):
        return page(request, viewer_of(tenant, principal), **ids)


def record(tenant, count=3, **options):
    known = context.RequestContext("req_page", ip="192.0.2.8", user_agent="Firefox")
    with context.use(known), scope.tenant(tenant.id):
        made = [
            emit("thing.updated", actor=ANN, object=thing(f"new{i}"), previous={"name": f"old{i}"}, **options)
            for i in range(count)
        ]
    seal_pending()
    return made


def test_list_shows_entries_and_the_state_of_the_chain(cast):
    made = record(cast.acme)
    html = call(pages.audit_list, cast.acme, admin_principal(cast.acme, cast.owner)).content.decode()
    for event in made:
        assert event.public_id in html
    assert "192.0.2.8" in html
    assert "req_page" in html
    assert "The hash chain holds" in html
    assert "data-relative" in html


def test_list_names_members_by_what_they_are_called_now(cast):
    with scope.tenant(cast.acme.id):
        emit("thing.created", actor=Actor("user", cast.owner.subject), object=thing())
    owner = admin_principal(cast.acme, cast.owner)
    assert "Olga Owner" in call(pages.audit_list, cast.acme, owner, {"action": "thing.*"}).content.decode()


def test_A1_list_shows_nothing_of_another_tenant(cast):
    made = record(cast.acme)
    html = call(
        pages.audit_list, cast.globex, admin_principal(cast.globex, cast.other_owner)
    ).content.decode()
    assert made[0].public_id not in html
    with pytest.raises(NotFound):
        call(
            pages.audit_detail,
            cast.globex,
            admin_principal(cast.globex, cast.other_owner),
            event=made[0].public_id,
        )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "req_page"}, True),
        ({"action": "thing.*"}, True),
        ({"action": "audit.exported"}, False),
        ({"actor": "sub_ann", "actor_type": "user"}, True),
        ({"actor_type": "admin"}, False),
        ({"ip": "192.0.2.8"}, True),
        ({"ip": "192.0.2.9"}, False),
        ({"since": "2001-01-01", "until": "2001-01-02"}, False),
        ({"since": "2001-01-01"}, True),
        ({"since": "yesterday"}, False),
        ({"action": "no.such"}, False),
    ],
)
def test_filters_narrow(cast, query, found):
    made = record(cast.acme, 1)
    html = call(pages.audit_list, cast.acme, admin_principal(cast.acme, cast.owner), query).content.decode()
    assert (made[0].public_id in html) is found


def test_pages_link_forth_and_back(cast, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 2)
    made = record(cast.acme, 5)
    owner = admin_principal(cast.acme, cast.owner)
    first = call(pages.audit_list, cast.acme, owner, {"q": "req_page"}).content.decode()
    assert made[4].public_id in first
    assert f"after={made[3].public_id}" in first
    second = call(
        pages.audit_list, cast.acme, owner, {"q": "req_page", "after": made[3].public_id}
    ).content.decode()
    assert made[2].public_id in second
    assert made[4].public_id not in second
    assert f"before={made[2].public_id}" in second
    back = call(
        pages.audit_list, cast.acme, owner, {"q": "req_page", "before": made[2].public_id}
    ).content.decode()
    assert made[4].public_id in back


def test_detail_shows_before_and_after_and_its_seal(cast):
    made = record(cast.acme, 1)
    owner = admin_principal(cast.acme, cast.owner)
    html = call(pages.audit_detail, cast.acme, owner, event=made[0].public_id).content.decode()
    assert "<del>old0</del>" in html
    assert "<ins>new0</ins>" in html
    assert "Verified" in html
    assert "Firefox" in html
    with pytest.raises(NotFound):
        call(pages.audit_detail, cast.acme, owner, event="nonsense")


def test_U1_edited_row_shows_on_list_and_detail(cast):
    made = record(cast.acme, 2)
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE events_event SET actor_id = 'sub_x' WHERE id = %s", [made[0].id])
    owner = admin_principal(cast.acme, cast.owner)
    assert "The chain is broken" in call(pages.audit_list, cast.acme, owner).content.decode()
    html = call(pages.audit_detail, cast.acme, owner, event=made[0].public_id).content.decode()
    assert "column_edited" in html


def test_U2_hostile_values_are_escaped(cast):
    with scope.tenant(cast.acme.id):
        event = emit(
            "thing.created", actor=Actor("user", "<script>alert(1)</script>"), object=thing("<img src=x>")
        )
    owner = admin_principal(cast.acme, cast.owner)
    for page, ids in ((pages.audit_list, {}), (pages.audit_detail, {"event": event.public_id})):
        html = call(page, cast.acme, owner, **ids).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x>" not in html


def test_organization_viewer_sees_own_entries_without_the_chain(cast):
    north = make_organization(cast.acme)
    made = record(cast.acme, 1)
    own = record(cast.acme, 1, organization_id=north.id)
    narrow = make_principal(cast.acme, organization_id=north.id)
    html = call(pages.audit_list, cast.acme, narrow).content.decode()
    assert own[0].public_id in html
    assert made[0].public_id not in html
    assert "hash chain" not in html


def test_export_is_csv_and_is_itself_recorded(cast):
    made = record(cast.acme, 3)
    owner = admin_principal(cast.acme, cast.owner)
    answer = call(pages.audit_export, cast.acme, owner, {"action": "thing.updated"}, method="post")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Cache-Control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["event"] for row in rows] == [event.public_id for event in reversed(made)]
    assert rows[0]["ip"] == "192.0.2.8"
    with scope.tenant(cast.acme.id):
        recorded = Event.objects.filter(tenant_id=cast.acme.id, type="audit.exported").get()
    assert recorded.actor_type == "admin"
    assert b'"entries":3' in bytes(recorded.canonical)


def test_export_is_refused_without_the_permission_or_by_get_or_with_bad_filters(cast):
    reader = make_principal(cast.acme, ["members:read"])
    owner = admin_principal(cast.acme, cast.owner)
    with pytest.raises(InsufficientScope):
        call(pages.audit_export, cast.acme, reader, method="post")
    with pytest.raises(MethodNotAllowed):
        call(pages.audit_export, cast.acme, owner)
    with pytest.raises(ValidationFailed):
        call(pages.audit_export, cast.acme, owner, {"since": "soon"}, method="post")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_U2_cells_start_no_formula(text):
    assert cell(text) == f"'{text}"
    assert cell("plain") == "plain"
    assert cell(None) == ""
