"""Client certificates (RFC 8705): read from a header that only trusted proxies may set, matched, bound to.

TLS ends at the proxy. `CLIENT_CERTIFICATE_HEADER` names the header in which it hands over the certificate and
`CLIENT_CERTIFICATE_PROXIES` the networks that it calls from; without both, no certificate is ever seen.
A name in a certificate is believed only where `CLIENT_CERTIFICATE_VERIFIED_HEADER` says SUCCESS, because a
proxy that asks for self-signed certificates lets every other one through as well.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.http import HttpRequest

from core.errors import FieldError
from oauth import client_keys
from oauth.models import Application, AuthMethod

if TYPE_CHECKING:
    from oauth.clients import Client

METHODS = (AuthMethod.TLS_CLIENT_AUTH, AuthMethod.SELF_SIGNED_TLS)
LONGEST = 16_000  # characters of the header
VERIFIED = "SUCCESS"
SUBJECT = "tls_client_auth_subject_dn"
_SAN: Mapping[str, Any] = {
    "tls_client_auth_san_dns": x509.DNSName,
    "tls_client_auth_san_uri": x509.UniformResourceIdentifier,
    "tls_client_auth_san_ip": x509.IPAddress,
    "tls_client_auth_san_email": x509.RFC822Name,
}
NAMES = (SUBJECT, *_SAN)  # RFC 8705 §2.1.2


@dataclass(frozen=True)
class Certificate:
    """What the client proved in the handshake; `is_verified` says that its chain leads to a known authority."""

    parsed: x509.Certificate = field(repr=False)
    thumbprint: str
    is_verified: bool


def is_offered() -> bool:
    return bool(settings.CLIENT_CERTIFICATE_HEADER and settings.CLIENT_CERTIFICATE_PROXIES)


def offered_methods() -> tuple[AuthMethod, ...]:
    """Return the methods of this installation: a name needs a proxy that vouches for the chain."""
    if not is_offered():
        return ()
    return METHODS if settings.CLIENT_CERTIFICATE_VERIFIED_HEADER else (AuthMethod.SELF_SIGNED_TLS,)


def is_alias(request: HttpRequest) -> bool:
    """Whether the request came to the host of its own on which clients show certificates (RFC 8705 §5)."""
    return bool(settings.MTLS_NETLOC) and request.META.get("HTTP_HOST", "").lower() == settings.MTLS_NETLOC


def presented(request: HttpRequest) -> Certificate | None:
    """Return the client's certificate as a trusted proxy hands it over; None for anything else."""
    if not is_offered():
        return None
    text = request.headers.get(settings.CLIENT_CERTIFICATE_HEADER, "")
    if not text or not _is_proxy(request.META.get("REMOTE_ADDR", "")):
        return None
    header = settings.CLIENT_CERTIFICATE_VERIFIED_HEADER
    return _read(text, bool(header) and request.headers.get(header) == VERIFIED)


def _is_proxy(address: str) -> bool:
    try:
        peer = ip_address(address)
    except ValueError:
        return False
    return any(peer in ip_network(network) for network in settings.CLIENT_CERTIFICATE_PROXIES)


@lru_cache(maxsize=1024)
def _read(text: str, is_verified: bool) -> Certificate | None:
    """Read an RFC 9440 byte sequence, a percent-encoded PEM (nginx), or bare base64."""
    if len(text) > LONGEST:
        return None
    try:
        der = _der(text)
        parsed = x509.load_der_x509_certificate(der)
    except (ValueError, binascii.Error):
        return None
    return Certificate(parsed, thumbprint(der), is_verified)


def _der(text: str) -> bytes:
    if "BEGIN" in text:
        pem = unquote(text).replace("\t", "\n")
        return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    return base64.b64decode(unquote(text).strip(":"), validate=True)


def thumbprint(der: bytes) -> str:
    """RFC 8705 §3.1: the base64url of the SHA-256 of the DER."""
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def proves(client: Client, certificate: Certificate | None) -> bool:
    """Whether the certificate is the client's, by its registered method."""
    if certificate is None or client.auth_method not in offered_methods() or not _is_timely(certificate):
        return False
    if client.auth_method == AuthMethod.TLS_CLIENT_AUTH:
        return certificate.is_verified and _has_name(certificate.parsed, *client.tls_name)
    return _has_key(certificate.parsed, client)


def _is_timely(certificate: Certificate) -> bool:
    parsed = certificate.parsed
    return parsed.not_valid_before_utc <= datetime.now(UTC) <= parsed.not_valid_after_utc


def _has_name(certificate: x509.Certificate, kind: str, name: str) -> bool:
    try:
        if kind == SUBJECT:
            return certificate.subject == x509.Name.from_rfc4514_string(name)
        known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        wanted: Any = ip_address(name) if kind == "tls_client_auth_san_ip" else name
        return kind in _SAN and wanted in known.get_values_for_type(_SAN[kind])
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return False


def _has_key(certificate: x509.Certificate, client: Client) -> bool:
    """RFC 8705 §2.2: the certificate's key is one of the client's; a new one may be at its address already."""
    info = _info(certificate.public_key())
    return any(
        any(hmac.compare_digest(_info(key.public), info) for key in keys)
        for keys in (client_keys.of(client), client_keys.of(client, kid=info.hex()))
    )


def _info(public: Any) -> bytes:
    return bytes(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def faults(application: Application) -> Iterable[FieldError]:
    """Yield what cannot be registered: without a proxy that hands certificates over, none of it can be had."""
    method = application.auth_method
    bound = application.tls_client_certificate_bound_access_tokens
    if method not in offered_methods() and method in METHODS:
        yield FieldError("/auth_method", "not_offered", "This installation takes no such certificates.")
    if bound and not is_offered():
        field = "/tls_client_certificate_bound_access_tokens"
        yield FieldError(field, "not_offered", "This installation takes no client certificates.")
    names = application.tls_client_auth
    if method == AuthMethod.TLS_CLIENT_AUTH and not is_name(names):
        kinds = ", ".join(NAMES)
        yield FieldError("/tls_client_auth", "required", f"Give exactly one of {kinds}.")
    elif method != AuthMethod.TLS_CLIENT_AUTH and names:
        yield FieldError("/tls_client_auth", "not_allowed", "Only tls_client_auth takes a name.")


def is_name(names: Mapping[str, str]) -> bool:
    """Whether this is exactly one well-formed name (RFC 8705 §2.1.2)."""
    if len(names) != 1:
        return False
    [(kind, name)] = names.items()
    return kind in NAMES and bool(name.strip()) and not any(_faults(kind, name))


def _faults(kind: str, name: str) -> Iterable[str]:
    try:
        if kind == SUBJECT:
            x509.Name.from_rfc4514_string(name)
        elif kind == "tls_client_auth_san_ip":
            ip_address(name)
    except ValueError:
        yield "malformed"
