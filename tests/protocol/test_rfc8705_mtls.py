"""RFC 8705: clients and tokens bound to a TLS certificate that a trusted proxy hands over (OAU-09, O8)."""

from __future__ import annotations

import base64
import ipaddress
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from config.checks import production_is_safe
from core import jose
from core.errors import ValidationFailed
from oauth import metadata, mtls
from tests.factories import Browser
from tests.oauth import proofs
from tests.oauth.helpers import claims, flow, form, register, token

HEADER, VERIFIED = "Client-Cert", "Client-Cert-Verify"
NAME = "CN=machine,O=Acme"


def certificate(key=None, *, name=NAME, days=30, **names):
    """Return a certificate (DER), signed by its own key."""
    key = key or jose.generate_key("ES256")
    subject = x509.Name.from_rfc4514_string(name)
    now = datetime.now(UTC)
    alternatives = [
        *(x509.DNSName(text) for text in names.get("dns", ())),
        *(x509.UniformResourceIdentifier(text) for text in names.get("uri", ())),
        *(x509.IPAddress(ipaddress.ip_address(text)) for text in names.get("ip", ())),
        *(x509.RFC822Name(text) for text in names.get("email", ())),
    ]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=min(0, days) - 1))
        .not_valid_after(now + timedelta(days=days))
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(key.private, hashes.SHA256()).public_bytes(Encoding.DER)


def headers(der, *, verified="SUCCESS", form="rfc9440"):
    written = {
        "rfc9440": lambda: f":{base64.b64encode(der).decode()}:",
        "nginx": lambda: quote(
            x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode(), safe=""
        ),
        "bare": lambda: base64.b64encode(der).decode(),
    }[form]()
    return {HEADER: written, **({VERIFIED: verified} if verified else {})}


@pytest.fixture
def proxy(settings):
    """A proxy on loopback that checks chains; the tests' own calls come from there."""
    settings.CLIENT_CERTIFICATE_HEADER = HEADER
    settings.CLIENT_CERTIFICATE_PROXIES = ["127.0.0.0/8"]
    settings.CLIENT_CERTIFICATE_VERIFIED_HEADER = VERIFIED
    metadata.configuration.cache_clear()
    yield settings
    metadata.configuration.cache_clear()


def named_client(tenant, kind="tls_client_auth_subject_dn", name=NAME, **settings):
    return register(
        tenant, "machine", auth_method="tls_client_auth", tls_client_auth={kind: name}, **settings
    )


def keyed_client(tenant, key, **settings):
    jwks = {"keys": [jose.public_jwk(key)]}
    return register(tenant, "machine", auth_method="self_signed_tls_client_auth", jwks=jwks, **settings)


def ask(tenant, app, der=None, **options):
    more = options.pop("more", {})
    sent = headers(der, **options) if der else {}
    parameters = {"grant_type": "client_credentials", "client_id": app.application.client_id, **more}
    return token(tenant, parameters, **{name.replace("-", "_"): value for name, value in sent.items()})


def error_of(answer):
    return answer.status_code, answer.json()["error"]


# --- by a name (§2.1) --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["rfc9440", "nginx", "bare"])
def test_certificate_of_an_authority_authenticates_by_its_subject(cast, proxy, form):
    answer = ask(cast.acme, named_client(cast.acme), certificate(), form=form)
    assert answer.status_code == 200, answer.content


ALTERNATIVES = [
    ("tls_client_auth_san_dns", "m.example", {"dns": ["m.example", "n.example"]}),
    ("tls_client_auth_san_uri", "https://m.example/a", {"uri": ["https://m.example/a"]}),
    ("tls_client_auth_san_ip", "192.0.2.7", {"ip": ["192.0.2.7"]}),
    ("tls_client_auth_san_email", "m@m.example", {"email": ["m@m.example"]}),
]


@pytest.mark.parametrize(("kind", "name", "names"), ALTERNATIVES)
def test_alternative_names(cast, proxy, kind, name, names):
    app = named_client(cast.acme, kind, name)
    assert ask(cast.acme, app, certificate(**names)).status_code == 200
    assert error_of(ask(cast.acme, app, certificate())) == (401, "invalid_client")
    other = {
        form: [text.replace("m", "x").replace("192", "193") for text in values]
        for form, values in names.items()
    }
    assert error_of(ask(cast.acme, app, certificate(**other))) == (401, "invalid_client")


def test_O8_other_names_and_unvouched_chains_are_refused(cast, proxy):
    app = named_client(cast.acme)
    wrong = [
        (certificate(name="CN=machine,O=Globex"), {}),
        (certificate(name="O=Acme,CN=machine"), {}),
        (certificate(name="CN=machine"), {}),
        (certificate(), {"verified": "NONE"}),
        (certificate(), {"verified": "FAILED:self-signed certificate"}),
        (certificate(), {"verified": ""}),
        (certificate(days=-1), {}),
        (None, {}),
    ]
    for der, options in wrong:
        assert error_of(ask(cast.acme, app, der, **options)) == (401, "invalid_client"), options
    assert ask(cast.acme, app, certificate()).status_code == 200


# --- by a key (§2.2) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["ES256", "PS256", "RS256"])
def test_self_signed_certificate_authenticates_by_its_key(cast, proxy, alg):
    key = jose.generate_key(alg)
    app = keyed_client(cast.acme, key)
    assert ask(cast.acme, app, certificate(key), verified="NONE").status_code == 200
    assert error_of(ask(cast.acme, app, certificate())) == (401, "invalid_client")
    assert error_of(ask(cast.acme, app, certificate(key, days=-1))) == (401, "invalid_client")


# --- one method, no way around -----------------------------------------------------------------------------


def test_O8_certificate_beside_another_method_changes_nothing(cast, proxy):
    """The certificate of one client opens no other, and no secret or assertion replaces it."""
    app, other = named_client(cast.acme), register(cast.acme, "machine")
    assert error_of(ask(cast.acme, other, certificate())) == (401, "invalid_client")
    secret = {"client_secret": "x"}
    assert error_of(ask(cast.acme, app, certificate(), more=secret)) == (401, "invalid_client")
    assertion = {
        "client_assertion": "a.b.c",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert error_of(ask(cast.acme, app, certificate(), more=assertion)) == (401, "invalid_client")
    foreign = named_client(cast.globex)
    assert error_of(ask(cast.acme, foreign, certificate())) == (401, "invalid_client")


def test_O8_header_from_anyone_but_the_proxy_is_ignored(cast, proxy):
    app = named_client(cast.acme)
    proxy.CLIENT_CERTIFICATE_PROXIES = ["10.0.0.0/8"]
    assert error_of(ask(cast.acme, app, certificate())) == (401, "invalid_client")
    proxy.CLIENT_CERTIFICATE_PROXIES = ["127.0.0.1"]
    assert ask(cast.acme, app, certificate()).status_code == 200


@pytest.mark.parametrize(
    "text", ["x", ":!!!:", ":AAAA:", "-----BEGIN CERTIFICATE-----", "%", "A" * 20_000, "é"]
)
def test_T3_hostile_header_is_as_none(cast, proxy, text):
    app = named_client(cast.acme)
    parameters = {"grant_type": "client_credentials", "client_id": app.application.client_id}
    sent = {HEADER: text, VERIFIED: "SUCCESS"}
    answer = token(cast.acme, parameters, **{name.replace("-", "_"): value for name, value in sent.items()})
    assert error_of(answer) == (401, "invalid_client")


def test_without_a_proxy_the_methods_cannot_be_registered_or_used(cast, proxy):
    app = named_client(cast.acme)
    proxy.CLIENT_CERTIFICATE_HEADER = ""
    assert error_of(ask(cast.acme, app, certificate())) == (401, "invalid_client")
    with pytest.raises(ValidationFailed):
        named_client(cast.acme)
    with pytest.raises(ValidationFailed):
        register(cast.acme, "machine", tls_client_certificate_bound_access_tokens=True)
    proxy.CLIENT_CERTIFICATE_HEADER = HEADER
    proxy.CLIENT_CERTIFICATE_VERIFIED_HEADER = ""
    assert error_of(ask(cast.acme, app, certificate())) == (401, "invalid_client")
    with pytest.raises(ValidationFailed):
        named_client(cast.acme)
    keyed_client(cast.acme, jose.generate_key("ES256"))


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"tls_client_auth_subject_dn": NAME, "tls_client_auth_san_dns": "m.example"},
        {"tls_client_auth_subject_dn": "not a name"},
        {"tls_client_auth_subject_dn": " "},
        {"tls_client_auth_san_ip": "1.2.3"},
        {"tls_client_auth_san_what": "x"},
    ],
)
def test_exactly_one_well_formed_name_is_registered(cast, proxy, names):
    """§2.1.2."""
    with pytest.raises(ValidationFailed):
        register(cast.acme, "machine", auth_method="tls_client_auth", tls_client_auth=names)


def test_metadata_offers_what_the_installation_takes(cast, proxy):
    def read():
        metadata.configuration.cache_clear()
        return Browser().get(f"/t/{cast.acme.slug}/.well-known/oauth-authorization-server").json()

    methods = {str(method) for method in mtls.METHODS}
    body = read()
    assert methods <= set(body["token_endpoint_auth_methods_supported"])
    assert body["tls_client_certificate_bound_access_tokens"] is True
    proxy.CLIENT_CERTIFICATE_HEADER = ""
    body = read()
    assert not methods & set(body["token_endpoint_auth_methods_supported"])
    assert body["tls_client_certificate_bound_access_tokens"] is False


# --- bound tokens (§3) -------------------------------------------------------------------------------------


def members(tenant, access, der=None, scheme="Bearer"):
    sent = headers(der) if der else {}
    return Browser().get(
        f"/t/{tenant.slug}/v1/members", headers={"Authorization": f"{scheme} {access}", **sent}
    )


def test_token_is_bound_to_the_certificate_and_checked_at_the_api(cast, proxy):
    """§3, §3.1; token_type stays Bearer."""
    app = named_client(cast.acme, tls_client_certificate_bound_access_tokens=True)
    mine, other = certificate(), certificate()
    body = ask(cast.acme, app, mine).json()
    assert body["token_type"] == "Bearer"
    assert claims(body["access_token"])["cnf"] == {"x5t#S256": mtls.thumbprint(mine)}
    access = body["access_token"]
    assert members(cast.acme, access, mine).status_code == 200
    for der in (None, other):
        answer = members(cast.acme, access, der)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    proxy.CLIENT_CERTIFICATE_PROXIES = ["10.0.0.0/8"]
    assert members(cast.acme, access, mine).status_code == 401
    assert members(cast.acme, access, mine, scheme="DPoP").status_code == 401


def test_any_client_may_bind_its_tokens(cast, proxy):
    """§3: also one that proves itself in another way; without the certificate it gets no token."""
    app = register(cast.acme, "machine", tls_client_certificate_bound_access_tokens=True)
    mine = certificate()
    asked = {"grant_type": "client_credentials"}
    refused = token(cast.acme, asked, app=app)
    assert error_of(refused) == (400, "invalid_request")
    sent = {name.replace("-", "_"): value for name, value in headers(mine).items()}
    body = token(cast.acme, asked, app=app, **sent).json()
    assert members(cast.acme, body["access_token"], mine).status_code == 200
    shown = form(cast.acme, "/oauth/introspect", {"token": body["access_token"]}, app=app).json()
    assert (shown["token_type"], shown["cnf"]) == ("Bearer", {"x5t#S256": mtls.thumbprint(mine)})


def test_O4_public_clients_refresh_token_is_bound_to_the_certificate(cast, proxy):
    """§4."""
    run = flow(cast.member, "spa", tls_client_certificate_bound_access_tokens=True)
    mine, other = certificate(), certificate()
    first = redeem(run, run.code(), mine).json()
    assert error_of(refresh(run, first["refresh_token"], other)) == (400, "invalid_grant")
    second = refresh(run, first["refresh_token"], mine)
    assert second.status_code == 200, second.content
    assert claims(second.json()["access_token"])["cnf"] == {"x5t#S256": mtls.thumbprint(mine)}


def redeem(run, code, der):
    parameters = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": run.app.application.redirect_uris.split()[0],
        "code_verifier": run.verifier,
    }
    return with_certificate(run, parameters, der)


def refresh(run, refresh_token, der):
    return with_certificate(run, {"grant_type": "refresh_token", "refresh_token": refresh_token}, der)


def with_certificate(run, parameters, der):
    sent = {name.replace("-", "_"): value for name, value in headers(der).items()}
    return token(run.tenant, parameters, app=run.app, **sent)


def test_T4_userinfo_asks_for_the_certificate(cast, proxy):
    run = flow(cast.member, tls_client_certificate_bound_access_tokens=True)
    mine = certificate()
    access = redeem(run, run.code(), mine).json()["access_token"]
    address = f"/t/{cast.acme.slug}/oauth/userinfo"
    named = {"Authorization": f"Bearer {access}"}
    assert Browser().get(address, headers=named).status_code == 401
    assert Browser().get(address, headers={**named, **headers(mine)}).status_code == 200


def test_introspection_and_revocation_take_the_certificate_too(cast, proxy):
    app = named_client(cast.acme)
    mine = certificate()
    access = ask(cast.acme, app, mine).json()["access_token"]
    sent = {name.replace("-", "_"): value for name, value in headers(mine).items()}
    named = {"token": access, "client_id": app.application.client_id}
    assert form(cast.acme, "/oauth/introspect", named, **sent).json()["active"] is True
    assert error_of(form(cast.acme, "/oauth/introspect", named)) == (401, "invalid_client")
    assert form(cast.acme, "/oauth/revoke", named, **sent).status_code == 200
    assert form(cast.acme, "/oauth/introspect", named, **sent).json() == {"active": False}


@pytest.mark.parametrize(
    ("header", "proxies", "is_fine"), [("", [], True), ("C", ["::1"], True), ("C", [], False)]
)
def test_header_without_its_proxies_does_not_pass_the_deployment_check(settings, header, proxies, is_fine):
    settings.CLIENT_CERTIFICATE_HEADER, settings.CLIENT_CERTIFICATE_PROXIES = header, proxies
    assert all(error.id != "config.E108" for error in production_is_safe()) is is_fine


# --- a host of its own (§5) --------------------------------------------------------------------------------

ALIAS = "https://mtls.id.example"


@pytest.fixture
def alias(proxy):
    """The operator's proxy asks for certificates on a host of their own."""
    proxy.MTLS_ORIGIN, proxy.MTLS_NETLOC = ALIAS, "mtls.id.example"
    proxy.ALLOWED_HOSTS = [*proxy.ALLOWED_HOSTS, "mtls.id.example"]
    return proxy


@pytest.mark.parametrize("document", ["openid-configuration", "oauth-authorization-server"])
def test_aliases_stand_in_both_documents_where_the_operator_has_such_a_host(cast, alias, document):
    def read():
        metadata.configuration.cache_clear()
        return Browser().get(f"/t/{cast.acme.slug}/.well-known/{document}").json()

    found = read()
    base = f"{ALIAS}/t/{cast.acme.slug}/oauth"
    assert found["mtls_endpoint_aliases"] == {
        "token_endpoint": f"{base}/token",
        "revocation_endpoint": f"{base}/revoke",
        "introspection_endpoint": f"{base}/introspect",
        "device_authorization_endpoint": f"{base}/device/code",
        "pushed_authorization_request_endpoint": f"{base}/par",
        "userinfo_endpoint": f"{base}/userinfo",
    }
    assert found["issuer"] == cast.acme.issuer
    assert found["token_endpoint"].startswith(cast.acme.issuer)
    alias.CLIENT_CERTIFICATE_HEADER = ""  # without certificates the host would be for nothing
    assert "mtls_endpoint_aliases" not in read()
    alias.CLIENT_CERTIFICATE_HEADER, alias.MTLS_ORIGIN = HEADER, ""
    assert "mtls_endpoint_aliases" not in read()


def test_the_token_endpoint_answers_at_the_alias_in_the_name_of_the_one_issuer(cast, alias):
    app, host = named_client(cast.acme), {"Host": "mtls.id.example"}
    fields = {"grant_type": "client_credentials", "client_id": app.application.client_id}
    answer = token(cast.acme, fields, **as_names(headers(certificate())), **host)
    assert answer.status_code == 200, answer.content
    assert claims(answer.json()["access_token"])["iss"] == cast.acme.issuer
    assert error_of(token(cast.acme, fields, **host)) == (401, "invalid_client")
    assert error_of(token(cast.globex, fields, **as_names(headers(certificate())), **host)) == (
        401,
        "invalid_client",
    )


def test_T4_a_proof_is_for_the_host_that_it_was_sent_to(cast, alias):
    """RFC 9449 §4.3 item 9: both addresses are configured; the Host header only says which was meant."""
    app = register(cast.acme, "machine")
    path = f"/t/{cast.acme.slug}/oauth/token"
    here, there = f"{cast.acme.issuer}/oauth/token", f"{ALIAS}{path}"

    def ask_with(address, host):
        fields = {"grant_type": "client_credentials"}
        return token(cast.acme, fields, app=app, DPoP=proofs.proof(address), **host).status_code

    alias_host, foreign = {"Host": "mtls.id.example"}, {"Host": "testserver"}
    assert ask_with(there, alias_host) == 200
    assert ask_with(here, alias_host) == 400
    assert ask_with(there, {}) == 400
    assert ask_with(f"https://testserver{path}", foreign) == 400
    assert ask_with(here, {}) == 200


def test_an_alias_without_certificates_does_not_pass_the_deployment_check(settings):
    settings.MTLS_ORIGIN = ALIAS
    assert any(error.id == "config.E109" for error in production_is_safe())
    settings.CLIENT_CERTIFICATE_HEADER, settings.CLIENT_CERTIFICATE_PROXIES = "C", ["::1"]
    assert all(error.id != "config.E109" for error in production_is_safe())


def as_names(sent):
    return {name.replace("-", "_"): value for name, value in sent.items()}
