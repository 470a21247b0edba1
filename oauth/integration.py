"""What a developer copies into an application: its values (APP-03). The code is in oauth.code_samples."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from oauth.models import Application, AuthMethod
from tenants.selectors import TenantRef
from tenants.tokens import control_plane_audience

METHOD_WORDS = {
    AuthMethod.NONE: "none (PKCE)",
    AuthMethod.BASIC: "client_secret_basic",
    AuthMethod.POST: "client_secret_post",
    AuthMethod.PRIVATE_KEY_JWT: "private_key_jwt",
    AuthMethod.TLS_CLIENT_AUTH: "tls_client_auth",
    AuthMethod.SELF_SIGNED_TLS: "self_signed_tls_client_auth",
}


def values(tenant: TenantRef, application: Application) -> list[dict[str, Any]]:
    """Return rows for a definition list, each with a copy button."""
    audience = application.resources[0] if application.resources else control_plane_audience(tenant)
    pairs = [
        (_("Issuer"), tenant.issuer),
        (_("Discovery"), f"{tenant.issuer}/.well-known/openid-configuration"),
        (_("Client ID"), application.client_id),
        (_("Client authentication"), METHOD_WORDS[AuthMethod(application.auth_method)]),
        (_("Tenant ID"), tenant.public_id),
        (_("Audience of access tokens"), audience),
        (_("API"), f"{tenant.issuer}/v1"),
    ]
    return [{"label": label, "value": value, "kind": "copy"} for label, value in pairs]
