"""OAuth Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document), as MCP clients use them."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from core import jose, livecache, scope
from core.ratelimit import clear_local
from events.models import Event
from oauth import applications
from oauth.models import Application, ClientDocument
from tenants import services
from tests.factories import Browser, make_cast, make_member, make_principal, make_tenant
from tests.oauth import fake_bridge
from tests.oauth.documents import hosting
from tests.oauth.helpers import Flow, assertion, query_of, register

REDIRECT = "http://127.0.0.1:5173/callback"


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture(autouse=True)
def _roomy():
    clear_local()


@pytest.fixture
def host():
    with hosting() as found:
        yield found


def flow_of(person: Any, address: str, redirect_uri: str = REDIRECT) -> Flow:
    browser = Browser()
    fake_bridge.enter(browser, person)
    application = SimpleNamespace(client_id=address, redirect_uris=redirect_uri, auth_method="none")
    return Flow(person.tenant, SimpleNamespace(application=application, secret=""), browser)  # type: ignore[arg-type]


def ask(tenant: Any, address: str, **changes: str) -> Any:
    """Ask for authorization with nobody signed in: a client that is admitted leads to the sign-in page."""
    application = SimpleNamespace(client_id=address, redirect_uris=REDIRECT)
    return Flow(tenant, SimpleNamespace(application=application), Browser()).start(scope="openid", **changes)  # type: ignore[arg-type]


def is_admitted(answer: Any) -> bool:
    return answer.status_code == 302 and "/sign-in" in answer.headers["Location"]


def row_of(tenant: Any, address: str) -> Application | None:
    with scope.tenant(tenant.id):
        return Application.objects.filter(client_id=address).first()


def let_time_pass(tenant: Any, address: str, **past: timedelta) -> None:
    """Move the times of what is known of a document into the past."""
    with scope.tenant(tenant.id):
        row = Application.objects.get(client_id=address)
        known = ClientDocument.objects.get(application=row)
        for name, much in {"tried_at": timedelta(hours=1), **past}.items():
            setattr(known, name, timezone.now() - much)
        known.save()
        livecache.invalidate("application", *_keys(tenant, address))


def _keys(tenant: Any, address: str) -> list[str]:
    from oauth.clients import cache_key

    return [cache_key(tenant.id, address)]


def test_a_public_client_signs_in_without_registration(cast, host):
    """ANC-01: the client_id is an address, the redirect URI is loopback with any port."""
    address = host.publish()
    flow = flow_of(cast.member, address)
    tokens = flow.tokens(scope="openid email")
    assert jose.unverified_claims(tokens["access_token"])["client_id"] == address
    assert jose.unverified_claims(tokens["id_token"])["aud"] == address
    assert flow.refresh(tokens["refresh_token"]).status_code == 200
    row = row_of(cast.acme, address)
    assert row is not None
    assert (row.registration_source, row.is_vetted, row.name) == ("cimd", False, "Desk tool")
    assert len(host.calls) == 1, "one fetch for the whole of it"


def test_a_confidential_client_proves_itself_by_its_published_key(cast, host):
    key = jose.generate_key("ES256")
    address = host.publish("/confidential.json", token_endpoint_auth_method="private_key_jwt")
    host.document["jwks"] = {"keys": [jose.public_jwk(key)]}
    flow = flow_of(cast.member, address)
    code = flow.code(scope="openid")
    assert flow.redeem(code).status_code == 401
    proof = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(key, address, cast.acme.issuer),
    }
    code = flow.code(scope="openid")
    assert flow.redeem(code, **proof).status_code == 200


def test_discovery_says_whether_such_clients_are_taken(cast):
    live = make_tenant(mode="live")
    for tenant, offered in ((cast.acme, True), (live, False)):
        for _ in range(2):
            found = Browser().get(f"/t/{tenant.slug}/.well-known/oauth-authorization-server").json()
            assert found["client_id_metadata_document_supported"] is offered


@pytest.mark.parametrize(
    ("policy", "admitted"),
    [
        ({"client_documents": "off"}, False),
        ({"client_documents": "any"}, True),
        ({"client_documents": "listed", "client_document_hosts": ["127.0.0.1"]}, True),
        ({"client_documents": "listed", "client_document_hosts": ["other.example"]}, False),
        ({}, True),
    ],
)
def test_O10_the_tenants_policy_decides_whose_documents_are_taken(host, policy, admitted):
    tenant = make_tenant(policy=policy)
    assert is_admitted(ask(tenant, host.publish())) is admitted
    assert bool(host.calls) is admitted


def test_O10_a_live_tenant_takes_none_until_it_says_so(host):
    tenant = make_tenant(mode="live")
    assert not is_admitted(ask(tenant, host.publish()))
    assert host.calls == []


def test_a_policy_that_ends_it_ends_clients_that_were_there(host):
    tenant = make_tenant()
    address = host.publish()
    assert is_admitted(ask(tenant, address))
    with scope.tenant(tenant.id):
        from tenants import selectors

        services.update_policy(
            actor=make_principal(tenant), tenant=selectors.tenant(), changes={"client_documents": "off"}
        )
    assert not is_admitted(ask(tenant, address))


@pytest.mark.parametrize(
    "members",
    [
        {"client_id": "https://other.example/client.json"},
        {"client_id": None},
        {"client_secret": "s3cret"},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"redirect_uris": ["https://evil.example/callback"]},
        {"redirect_uris": ["com.example.app:/cb"]},
        {"redirect_uris": []},
        {"redirect_uris": "http://127.0.0.1/callback"},
        {"redirect_uris": None},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["authorization_code", "password"]},
        {"response_types": ["token"]},
        {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
        {"client_name": "x\u202ey"},
    ],
)
def test_O10_hostile_documents_are_refused(cast, host, members):
    address = host.publish("/hostile.json", **members)
    answer = ask(cast.acme, address)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert row_of(cast.acme, address) is None


@pytest.mark.parametrize(
    ("status", "document", "headers"),
    [
        (404, {}, {}),
        (500, {}, {}),
        (302, {}, {"Location": "http://169.254.169.254/"}),
        (200, b"not json", {}),
        (200, b"[]", {}),
        (200, b'{"a": "' + b"x" * 40_000 + b'"}', {}),
        (200, None, {"Content-Type": "text/html"}),
    ],
)
def test_W1_answers_that_are_no_document_admit_nobody(cast, host, status, document, headers):
    address = host.publish(f"/{status}-{len(str(document))}.json")
    host.status, host.headers = status, {**host.headers, **headers}
    if document is not None:
        host.document = document
    assert ask(cast.acme, address).status_code == 400
    assert row_of(cast.acme, address) is None
    assert len(host.calls) == 1


def test_W1_addresses_that_are_not_public_https_are_never_called(cast):
    with hosting(allowed=False) as canary:
        for address in (
            canary.address(), f"https://127.0.0.1:{canary.port}/c.json", f"https://localhost:{canary.port}/c.json",
            "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/c.json", "https://[::1]/c.json",
            "https://user:pass@example.com/c.json", "https://example.com", "https://example.com/",
            "https://example.com/a/../c.json", "https://example.com/c.json#f", "https://EXAMPLE.com/c.json",
            "https://example.com/" + "x" * 300, "http://example.com/c.json", "https:///c.json",
        ):  # fmt: skip
            assert ask(cast.acme, address).status_code == 400, address
        assert canary.calls == []


def test_O10_fetches_are_limited(cast, host):
    host.status = 500
    address = host.publish("/limited.json")
    for _ in range(8):
        ask(cast.acme, address)
    assert len(host.calls) == 3
    for number in range(40):
        ask(cast.acme, host.address(f"/many-{number}.json"))
    assert len(host.calls) <= 20


def test_a_document_is_read_again_when_its_time_is_over(cast, host):
    address = host.publish("/aging.json")
    host.headers |= {"Cache-Control": "max-age=600", "ETag": '"one"'}
    assert is_admitted(ask(cast.acme, address))
    let_time_pass(cast.acme, address, expires_at=timedelta(seconds=1))
    host.document["client_name"] = "Desk tool 2"
    assert is_admitted(ask(cast.acme, address))
    assert host.calls[-1][1]["if-none-match"] == '"one"'
    row = row_of(cast.acme, address)
    assert row is not None
    assert row.name == "Desk tool 2"
    with scope.tenant(cast.acme.id):
        assert Event.objects.filter(
            type="application.metadata_document.changed", object_id=row.public_id
        ).exists()


def test_O10_a_change_of_what_people_see_takes_the_vetting_back(cast, host):
    address = host.publish("/vetted.json")
    assert is_admitted(ask(cast.acme, address))
    with scope.tenant(cast.acme.id):
        row = applications.applications().get(client_id=address)
        applications.vet_application(actor=make_principal(cast.acme), application=row, vetted=True)
    let_time_pass(cast.acme, address, expires_at=timedelta(seconds=1))
    host.document["redirect_uris"] = ["http://127.0.0.1/callback", "http://127.0.0.1/other"]
    assert is_admitted(ask(cast.acme, address))
    row = row_of(cast.acme, address)
    assert row is not None
    assert (row.is_vetted, len(row.redirect_uris.split())) == (False, 2)


@pytest.mark.parametrize(("header", "least", "most"), [
    ("max-age=1", 290, 310), ("no-store", 290, 310), ("max-age=999999999", 86_000, 86_410), ("", 3590, 3610),
    ("max-age=1200", 1190, 1210),
])  # fmt: skip
def test_cache_headers_count_within_bounds(host, header, least, most):
    tenant = make_tenant()
    address = host.publish()
    host.headers |= {"Cache-Control": header} if header else {}
    assert is_admitted(ask(tenant, address))
    with scope.tenant(tenant.id):
        known = ClientDocument.objects.get()
    assert least <= (known.expires_at - known.fetched_at).total_seconds() <= most


def test_an_old_document_goes_on_for_a_day_while_its_host_is_away(cast, host):
    address = host.publish("/away.json")
    assert is_admitted(ask(cast.acme, address))
    host.status = 503
    let_time_pass(cast.acme, address, expires_at=timedelta(hours=2))
    assert is_admitted(ask(cast.acme, address))
    let_time_pass(cast.acme, address, expires_at=timedelta(hours=25))
    assert not is_admitted(ask(cast.acme, address))


def test_a_document_that_was_withdrawn_ends_the_client_until_it_is_back(cast, host):
    address = host.publish("/gone.json")
    assert is_admitted(ask(cast.acme, address))
    host.status = 404
    let_time_pass(cast.acme, address, expires_at=timedelta(seconds=1))
    assert not is_admitted(ask(cast.acme, address))
    assert not is_admitted(ask(cast.acme, address)), "remembered"
    host.status = 200
    let_time_pass(cast.acme, address, expires_at=timedelta(seconds=1))
    assert is_admitted(ask(cast.acme, address))


def test_O10_it_may_ask_for_nothing_of_the_tenants_own_api(cast, host):
    flow = flow_of(cast.member, host.publish("/greedy.json", scope="openid members:write"))
    refused = query_of(flow.start(scope="openid members:write").headers["Location"])
    assert refused["error"] == "invalid_scope"


def test_A1_each_tenant_knows_its_own_and_a_disabled_one_stays_out(cast, host):
    address = host.publish("/both.json")
    assert is_admitted(ask(cast.acme, address))
    assert row_of(cast.globex, address) is None
    with scope.tenant(cast.acme.id):
        row = applications.applications().get(client_id=address)
        applications.disable_application(actor=make_principal(cast.acme), application=row)
    assert not is_admitted(ask(cast.acme, address))
    assert is_admitted(ask(cast.globex, address))
    assert is_admitted(ask(cast.globex, address))


def test_an_application_that_an_administrator_imported_under_an_address_is_not_taken_over(cast, host):
    address = host.publish("/imported.json")
    register(cast.acme, "native", client_id=address, redirect_uris=["http://127.0.0.1/callback"])
    assert is_admitted(ask(cast.acme, address))
    assert host.calls == []
    row = row_of(cast.acme, address)
    assert row is not None
    assert row.registration_source == "manual"


def test_the_token_endpoint_takes_no_code_of_another_client(cast, host):
    address = host.publish("/one.json")
    code = flow_of(make_member(cast.acme), address).code(scope="openid")
    other = host.publish("/two.json")
    theirs = flow_of(cast.member, other)
    assert theirs.redeem(code).status_code == 400
