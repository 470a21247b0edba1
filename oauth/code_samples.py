"""A working start in a few languages, with an application's real values and never with its secret (APP-03)."""

from __future__ import annotations

from oauth.models import Application, ApplicationType, AuthMethod
from tenants.selectors import TenantRef

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
WEB_PHP = """// composer require jumbojett/openid-connect-php
$people = new Jumbojett\\OpenIDConnectClient("{issuer}", "{client_id}", getenv("CLIENT_SECRET"));
$people->setCodeChallengeMethod("S256");
$people->setRedirectURL("{redirect_uri}");
$people->addScope(explode(" ", "{scope}"));
$people->authenticate();
$person = [$people->getVerifiedClaims("iss"), $people->getVerifiedClaims("sub")];
"""
WEB_GO = """// go get github.com/coreos/go-oidc/v3/oidc golang.org/x/oauth2
provider, err := oidc.NewProvider(ctx, "{issuer}")
config := oauth2.Config{{
	ClientID:     "{client_id}",
	ClientSecret: os.Getenv("CLIENT_SECRET"),
	Endpoint:     provider.Endpoint(),
	RedirectURL:  "{redirect_uri}",
	Scopes:       strings.Fields("{scope}"),
}}
verifier := oauth2.GenerateVerifier()
address := config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))
// In the callback: config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
"""
MACHINE_NODE = """const answer = await fetch("{issuer}/oauth/token", {{
  method: "POST",
  headers: {{
    Authorization: "Basic " + btoa("{client_id}:" + process.env.CLIENT_SECRET),
  }},
  body: new URLSearchParams({{ grant_type: "client_credentials" }}),
}});
const {{ access_token }} = await answer.json();
"""
MACHINE_GO = """// go get golang.org/x/oauth2
config := clientcredentials.Config{{
	ClientID:     "{client_id}",
	ClientSecret: os.Getenv("CLIENT_SECRET"),
	TokenURL:     "{issuer}/oauth/token",
}}
http := config.Client(ctx)
"""
NATIVE_PYTHON = """# pip install authlib httpx; listen on http://127.0.0.1 with any free port
from authlib.integrations.httpx_client import OAuth2Client

people = OAuth2Client(
    client_id="{client_id}",
    redirect_uri="{redirect_uri}",
    scope="{scope}",
    code_challenge_method="S256",
    token_endpoint_auth_method="none",
)
address, state = people.create_authorization_url(
    "{issuer}/oauth/authorize", code_verifier=verifier)
# token = people.fetch_token("{issuer}/oauth/token",
#     authorization_response=url, code_verifier=verifier)
"""
DEVICE_CURL = """curl {issuer}/oauth/device/code \\
  -d client_id={client_id} --data-urlencode "scope={scope}"
# Show user_code and verification_uri, then ask every `interval` seconds:
curl {issuer}/oauth/token \\
  -d grant_type=urn:ietf:params:oauth:grant-type:device_code \\
  -d client_id={client_id} -d device_code=$DEVICE_CODE
"""
# At most five of a kind: the tabs hold no more.
SAMPLES = {
    ApplicationType.WEB: [("Python", WEB_PYTHON), ("Node.js", WEB_NODE), ("PHP", WEB_PHP), ("Go", WEB_GO)],
    ApplicationType.SPA: [("TypeScript", SPA)],
    ApplicationType.NATIVE: [("Python", NATIVE_PYTHON), ("TypeScript", SPA)],
    ApplicationType.MACHINE: [
        ("curl", MACHINE_CURL), ("Python", MACHINE_PYTHON), ("Node.js", MACHINE_NODE), ("Go", MACHINE_GO),
    ],
    ApplicationType.DEVICE: [("curl", DEVICE_CURL)],
}  # fmt: skip


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
    chosen = SAMPLES.get(ApplicationType(application.type), [])
    if application.auth_method == AuthMethod.PRIVATE_KEY_JWT:
        chosen = []  # these show a secret, which such a client has none of
    return [{"label": label, "code": text.format(**known)} for label, text in chosen]
