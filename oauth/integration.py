"""What a developer copies into an application: its values and a working start in a few languages (APP-03)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from oauth.models import Application, ApplicationType, AuthMethod
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

WEB_PYTHON = """# pip install authlib httpx flask
import os
from authlib.integrations.flask_client import OAuth

oauth = OAuth(app)
oauth.register(
    "claviger",
    server_metadata_url="{issuer}/.well-known/openid-configuration",
    client_id="{client_id}",
    client_secret=os.environ["CLIENT_SECRET"],
    client_kwargs={{"scope": "{scope}", "code_challenge_method": "S256"}},
)
# In the callback:
#   token = oauth.claviger.authorize_access_token()
#   store (token["userinfo"]["iss"], token["userinfo"]["sub"]) as the person's key
"""
WEB_NODE = """// npm install openid-client
import * as client from "openid-client";

const config = await client.discovery(
  new URL("{issuer}"), "{client_id}", process.env.CLIENT_SECRET,
  client.{method}(process.env.CLIENT_SECRET));
const verifier = client.randomPKCECodeVerifier();
const address = client.buildAuthorizationUrl(config, {{
  redirect_uri: "{redirect_uri}",
  scope: "{scope}",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
}});
"""
SPA = """// npm install oidc-client-ts
import {{ UserManager }} from "oidc-client-ts";

const people = new UserManager({{
  authority: "{issuer}",
  client_id: "{client_id}",
  redirect_uri: "{redirect_uri}",
  scope: "{scope}",
}});
await people.signinRedirect();
"""
MACHINE_CURL = """curl {issuer}/oauth/token \\
  -u "{client_id}:$CLIENT_SECRET" \\
  -d grant_type=client_credentials
"""
MACHINE_PYTHON = """import os

import httpx

answer = httpx.post(
    "{issuer}/oauth/token",
    auth=("{client_id}", os.environ["CLIENT_SECRET"]),
    data={{"grant_type": "client_credentials"}},
)
token = answer.raise_for_status().json()["access_token"]
"""


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


def samples(tenant: TenantRef, application: Application) -> list[dict[str, str]]:
    """Return code with the application's real values, never with its secret."""
    post = application.auth_method == AuthMethod.POST
    known = {
        "issuer": tenant.issuer,
        "client_id": application.client_id,
        "redirect_uri": (application.redirect_uris.split() or [""])[0],
        "scope": " ".join(application.scopes[:6]) or "openid",
        "method": "ClientSecretPost" if post else "ClientSecretBasic",
    }
    chosen = {
        ApplicationType.WEB: [("Python", WEB_PYTHON), ("Node.js", WEB_NODE)],
        ApplicationType.SPA: [("TypeScript", SPA)],
        ApplicationType.NATIVE: [("TypeScript", SPA)],
        ApplicationType.MACHINE: [("curl", MACHINE_CURL), ("Python", MACHINE_PYTHON)],
    }.get(ApplicationType(application.type), [])
    return [{"label": label, "code": text.format(**known)} for label, text in chosen]
