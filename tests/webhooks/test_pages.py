"""The dashboard's webhook pages, behind a frame as the dashboard puts around them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import RequestFactory

from core import ids, scope
from core.errors import MethodNotAllowed, NotFound
from core.pages import MessageCookies
from core.principal import Principal
from tenants import selectors
from tenants.models import Tenant
from tests.factories import Cast, admin_principal
from tests.webhooks.receiver import deliveries, fresh, happen, make_due, receiving, register
from webhooks import delivery_pages, pages, pump

URL = "https://hooks.example.invalid/claviger"


@dataclass
class Viewer:
    principal: Principal
    tenant: Tenant

    def url(self, *parts: str) -> str:
        return "/".join([f"/dashboard/{self.tenant.slug}", *parts])

    def may(self, permission: str) -> bool:
        return self.principal.may(permission)


@pytest.fixture
def show(cast: Cast):  # type: ignore[no-untyped-def]
    def show(page: Any, data: Any = None, query: Any = None, tenant: Any = None, **ids_: str) -> Any:
        tenant = tenant or cast.acme
        person = cast.owner if tenant is cast.acme else cast.other_owner
        factory = RequestFactory()
        request = factory.get("/", query or {}) if data is None else factory.post("/", data)
        request._messages = MessageCookies(request)
        with scope.tenant(tenant.id):
            viewer = Viewer(admin_principal(tenant, person), selectors.tenant())
            response = page(request, viewer, **ids_)
        response.text = response.content.decode()
        return response

    return show


def test_an_endpoint_is_registered_and_its_secret_shown_once(cast: Cast, show: Any) -> None:
    assert "No endpoints yet" in show(pages.endpoint_list).text
    blank = show(pages.endpoint_create).text
    assert 'value="organization.*"' in blank
    assert "A member" in blank or "organization.created" in blank
    form = {
        "url": URL, "events": ["user.*", "organization.created"], "payload": "full", "ordering": "unordered",
        "content_type": "application/json", "signature_suite": "standard", "max_in_flight": "10",
    }  # fmt: skip
    made = show(pages.endpoint_create, form)
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    [secret] = set(re.findall(r"whsec_[A-Za-z0-9+/=]{44}", made.text.replace("&#x3D;", "=")))
    listed = show(pages.endpoint_list).text
    assert URL in listed
    [row] = rows(cast)
    for page in (
        pages.endpoint_overview,
        pages.endpoint_settings,
        pages.endpoint_secrets,
        pages.endpoint_danger,
    ):
        text = show(page, endpoint=row.public_id).text
        assert row.public_id in text
        assert secret not in text


def rows(cast: Cast) -> list[Any]:
    from webhooks import selectors as webhooks

    with scope.tenant(cast.acme.id):
        return list(webhooks.endpoints())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://10.0.0.1/"}, "public https"),
        ({"events": []}, "at least one event"),
        ({"max_in_flight": "99"}, "50"),
    ],
)
def test_a_refused_form_says_why_and_stores_nothing(cast: Cast, show: Any, changes: Any, said: str) -> None:
    form = {
        "url": URL, "events": ["user.*"], "payload": "full", "ordering": "unordered",
        "content_type": "application/json", "signature_suite": "standard", "max_in_flight": "10",
    } | changes  # fmt: skip
    refused = show(pages.endpoint_create, form)
    assert refused.status_code == 422
    assert said in refused.text
    assert rows(cast) == []


def test_both_attempts_are_seen_and_the_delivery_is_sent_again(cast: Cast, show: Any) -> None:
    answers = iter([500, 200, 200])
    with receiving(lambda _: (next(answers), {})) as receiver:
        receiver.body = b"<script>alert('x')</script>"
        made = register(cast.acme, receiver.url)
        happen(cast.acme)
        pump.deliver_due()
        make_due(cast.acme)
        pump.deliver_due()
        [delivery] = deliveries(cast.acme, made.endpoint)
        listed = show(delivery_pages.delivery_list, endpoint=made.endpoint.public_id).text
        assert delivery.event_public_id in listed
        text = show(delivery_pages.delivery_detail, delivery=delivery.public_id).text
        assert "Answered 500" in text
        assert "Answered 200" in text
        assert "webhook-signature" in text
        assert "<script>alert" not in text
        back = show(delivery_pages.delivery_resend, {}, delivery=delivery.public_id)
        assert (back.status_code, back.headers["Location"].split("/")[-1]) == (303, delivery.public_id)
        pump.deliver_due()
    assert len(receiver.received) == 3
    overview = show(pages.endpoint_overview, endpoint=made.endpoint.public_id).text
    assert "66.7 %" in overview


def test_deliveries_are_narrowed_by_status_type_and_id(cast: Cast, show: Any) -> None:
    made = register(cast.acme, URL)
    first, second = happen(cast.acme, 2)
    one = made.endpoint.public_id
    for query, seen, hidden in (
        ({"q": first}, [first], [second]),
        ({"q": "nonsense"}, [], [first, second]),
        ({"status": "delivered"}, [], [first, second]),
        ({"status": "pending", "type": "organization.created"}, [first, second], []),
    ):
        text = show(delivery_pages.delivery_list, query=query, endpoint=one).text
        assert all(f">{name}<" in text for name in seen)
        assert not any(f">{name}<" in text for name in hidden)


def test_states_secrets_tests_and_deletion(cast: Cast, show: Any) -> None:
    endpoint = register(cast.acme, URL).endpoint
    named = {"endpoint": endpoint.public_id}
    assert show(pages.endpoint_test, {}, **named).status_code == 303
    assert show(pages.endpoint_state, {"act": "pause", "reason": "upgrade"}, **named).status_code == 303
    assert "paused" in show(pages.endpoint_overview, **named).text
    assert show(pages.endpoint_state, {"act": "resume"}, **named).status_code == 303
    assert "whsec_" in show(pages.endpoint_secrets, {"grace": "0"}, **named).text
    assert show(pages.endpoint_again, {"kind": "recover", "hours": "168"}, **named).status_code == 303
    assert show(pages.endpoint_again, {"kind": "replay", "hours": "1"}, **named).status_code == 303
    assert show(pages.endpoint_delete, {"confirm": "wrong"}, **named).status_code == 422
    assert fresh(cast.acme, endpoint).status == "active"
    assert (
        show(pages.endpoint_delete, {"confirm": endpoint.public_id, "reason": "moved"}, **named).status_code
        == 303
    )
    assert rows(cast) == []


def test_W4_pages_of_another_tenant_and_malformed_ids_are_missing(cast: Cast, show: Any) -> None:
    endpoint = register(cast.acme, URL).endpoint
    happen(cast.acme)
    [delivery] = deliveries(cast.acme, endpoint)
    for name in (endpoint.public_id, "whe_nonsense", ids.encode("whd", endpoint.id)):
        tenant = cast.globex if name == endpoint.public_id else cast.acme
        with pytest.raises(NotFound):
            show(pages.endpoint_overview, tenant=tenant, endpoint=name)
    with pytest.raises(NotFound):
        show(delivery_pages.delivery_detail, tenant=cast.globex, delivery=delivery.public_id)


def test_changes_take_a_post(cast: Cast, show: Any) -> None:
    endpoint = register(cast.acme, URL).endpoint
    for page in (pages.endpoint_state, pages.endpoint_test, pages.endpoint_delete, pages.endpoint_again):
        with pytest.raises(MethodNotAllowed):
            show(page, endpoint=endpoint.public_id)
