"""What is answered in front of Django says the same as Django, and nothing that Django would refuse."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import RequestFactory

from config.wsgi import behind_front
from core import front, scope
from core.front import Front
from core.principal import SYSTEM
from core.urls import TenantPrefix
from tenants import keys, selectors, services
from tests.factories import make_cast, make_tenant

PATHS = [
    f"/.well-known/{name}" for name in ("openid-configuration", "oauth-authorization-server", "jwks.json")
]


@pytest.fixture(scope="module")
def cast():
    return make_cast()


def call(
    application: Any, path: str, method: str = "GET", **environ: str
) -> tuple[str, dict[str, str], bytes]:
    host = {"HTTP_HOST": urlsplit(settings.ORIGIN).netloc}
    seen: dict[str, Any] = {}

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        assert len(headers) == len({name for name, _ in headers})
        seen.update(status=status, headers=dict(headers))

    base = RequestFactory()._base_environ(PATH_INFO=path, REQUEST_METHOD=method, **(host | environ))
    body = application(base, start)
    content = b"".join(body)
    getattr(body, "close", lambda: None)()
    return seen["status"], seen["headers"], content


def whole_way(path: str, *arguments: str, **environ: str) -> Any:
    return call(TenantPrefix(behind_front), path, *arguments, **environ)


def in_front(path: str, *arguments: str, **environ: str) -> Any:
    """Answer without Django: being asked is an error here."""

    def refuse(environ: Any, start_response: Any) -> Any:
        raise AssertionError("went the whole way")

    return call(TenantPrefix(Front(refuse)), path, *arguments, **environ)


def goes_the_whole_way(path: str, *arguments: str, **environ: str) -> bool:
    try:
        in_front(path, *arguments, **environ)
    except AssertionError:
        return True
    return False


def comparable(answer: Any) -> Any:
    status, headers, body = answer
    assert headers.pop("Request-Id").startswith("req_")
    return status, headers, body


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_front_and_django_answer_alike(cast, path, method):
    for tenant in (cast.acme, cast.globex):
        address = f"/t/{tenant.slug}{path}"
        known = whole_way(address, method)
        etag = known[1]["ETag"]
        assert comparable(in_front(address, method)) == comparable(known)
        again = in_front(address, method, HTTP_IF_NONE_MATCH=etag)
        assert again[0] == "304 Not Modified"
        assert comparable(again) == comparable(whole_way(address, method, HTTP_IF_NONE_MATCH=etag))


def test_request_ids_differ(cast):
    address = f"/t/{cast.acme.slug}{PATHS[0]}"
    whole_way(address)
    assert in_front(address)[1]["Request-Id"] != in_front(address)[1]["Request-Id"]


@pytest.mark.parametrize("path", PATHS)
def test_what_is_unusual_goes_the_whole_way(cast, path):
    """Threat L3 for the host; other methods, other addresses and unknown tenants are refused by Django."""
    address = f"/t/{cast.acme.slug}{path}"
    whole_way(address)
    assert not goes_the_whole_way(address)
    assert goes_the_whole_way(address, "POST")
    assert goes_the_whole_way(address, HTTP_HOST="evil.example")
    assert goes_the_whole_way(address, HTTP_HOST="")
    assert goes_the_whole_way(path)
    assert goes_the_whole_way(f"/t/nobody-here{path}")
    assert goes_the_whole_way(f"{address}/")


@pytest.mark.parametrize("path", PATHS)
def test_plain_http_goes_the_whole_way_where_https_is_due(cast, path, settings):
    address = f"/t/{cast.acme.slug}{path}"
    whole_way(address)
    settings.SECURE, settings.SECURE_HSTS_SECONDS = True, 300
    assert goes_the_whole_way(address)
    secure = {"wsgi.url_scheme": "https"}
    assert comparable(in_front(address, **secure)) == comparable(whole_way(address, **secure))
    assert in_front(address, **secure)[1]["Strict-Transport-Security"].startswith("max-age=300")
    settings.TRUSTED_PROXIES = 1
    assert goes_the_whole_way(address, **secure)
    assert not goes_the_whole_way(address, HTTP_X_FORWARDED_PROTO="https")


@pytest.mark.parametrize("path", PATHS)
def test_a_suspended_tenant_is_not_answered_in_front(path):
    tenant = make_tenant()
    address = f"/t/{tenant.slug}{path}"
    assert whole_way(address)[0] == "200 OK"
    with scope.tenant(tenant.id):
        services.suspend_tenant(tenant=selectors.tenant(), reason="unpaid")
    assert goes_the_whole_way(address)
    assert whole_way(address)[0].startswith("404")


def test_R11_a_new_key_is_in_the_next_answer():
    tenant = make_tenant()
    address = f"/t/{tenant.slug}{PATHS[2]}"
    before = whole_way(address)[2]
    assert in_front(address)[2] == before
    with scope.tenant(tenant.id):
        keys.rotate_as(SYSTEM)
    assert goes_the_whole_way(address)
    assert whole_way(address)[2] != before
    assert in_front(address)[2] == whole_way(address)[2]


def test_caches_that_may_not_be_believed_are_not_answered_from(cast, monkeypatch):
    address = f"/t/{cast.acme.slug}{PATHS[2]}"
    whole_way(address)
    monkeypatch.setattr("core.livecache._poller.trusted", lambda: False)
    assert goes_the_whole_way(address)
    assert front.remembered({"PATH_INFO": PATHS[2], "REQUEST_METHOD": "GET"}) is None
