"""Addresses of the authorization server, after the tenant prefix was taken off."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from oauth import (
    api,
    api_me,
    api_registrations,
    claim_api,
    dynamic_registration,
    end_session,
    inspector_api,
    metadata,
    protected_resources,
    sample_token_api,
)
from oauth import trusted_issuers_api as trusted
from oauth.authorize import authorize, consent
from oauth.device_authorization import device_authorization
from oauth.device_pages import verify as device_verify
from oauth.introspection import introspect
from oauth.legacy import older
from oauth.par import par
from oauth.revocation import revoke
from oauth.token_endpoint import token
from oauth.userinfo import userinfo

urlpatterns: list[URLPattern | URLResolver] = [
    path(".well-known/openid-configuration", metadata.openid_configuration, name="openid-configuration"),
    path(".well-known/oauth-authorization-server", metadata.authorization_server, name="oauth-metadata"),
    path(".well-known/oauth-authorization-server/t/<slug:slug>", metadata.inserted, name="oauth-inserted"),
    path(".well-known/openid-configuration/t/<slug:slug>", metadata.inserted, name="openid-inserted"),
    path(
        ".well-known/oauth-protected-resource/t/<slug:slug>/<path:below>",
        protected_resources.inserted,
        name="resource-metadata-inserted",
    ),
    path(
        "resources/<str:resource>/.well-known/oauth-protected-resource",
        protected_resources.hosted,
        name="resource-metadata",
    ),
    path(".well-known/jwks.json", metadata.jwks, name="jwks"),
    path("oauth/authorize", authorize, name="oauth-authorize"),
    path("oauth/consent", consent, name="oauth-consent"),
    path("oauth/par", par, name="oauth-par"),
    path("oauth/token", token, name="oauth-token"),
    path("oauth/revoke", revoke, name="oauth-revoke"),
    path("oauth/introspect", introspect, name="oauth-introspect"),
    path("oauth/userinfo", userinfo, name="oauth-userinfo"),
    path("oauth/device/code", device_authorization, name="oauth-device-code"),
    path("oauth/device/verify", device_verify, name="oauth-device-verify"),
    path("oauth/register", dynamic_registration.register, name="oauth-register"),
    path("oauth/register/<str:client_id>", dynamic_registration.configuration, name="oauth-client"),
    path("oauth/end-session", end_session.end_session, name="oauth-end-session"),
    path("oauth/end-session/confirm", end_session.confirm, name="oauth-end-session-confirm"),
    path("v1/me", api_me.Me.as_view(), name="v1-me"),
    path("v1/me/organizations", api_me.MyOrganizations.as_view(), name="v1-my-organizations"),
    path("v1/me/permissions", api_me.MyPermissions.as_view(), name="v1-my-permissions"),
    path("v1/token-inspections", inspector_api.TokenInspections.as_view(), name="v1-token-inspections"),
    path("v1/applications", api.Applications.as_view(), name="v1-applications"),
    path(
        "v1/applications/<str:application>/claim-previews",
        claim_api.ApplicationClaimPreviews.as_view(),
        name="v1-application-claim-previews",
    ),
    path(
        "v1/api-resources/<str:resource>/claim-previews",
        claim_api.ResourceClaimPreviews.as_view(),
        name="v1-resource-claim-previews",
    ),
    path("v1/applications/<str:application>", api.OneApplication.as_view(), name="v1-application"),
    path(
        "v1/applications/<str:application>/secret-rotation",
        api.SecretRotation.as_view(),
        name="v1-application-secret",
    ),
    path(
        "v1/applications/<str:application>/suspension",
        api.Suspension.as_view(),
        name="v1-application-suspension",
    ),
    path(
        "v1/applications/<str:application>/secrets",
        api_registrations.ClientSecrets.as_view(),
        name="v1-application-secrets",
    ),
    path(
        "v1/applications/<str:application>/secrets/<str:secret>",
        api_registrations.OneClientSecret.as_view(),
        name="v1-application-one-secret",
    ),
    path(
        "v1/applications/<str:application>/sample-tokens",
        sample_token_api.SampleTokens.as_view(),
        name="v1-application-sample-tokens",
    ),
    path(
        "v1/applications/<str:application>/vetting",
        api_registrations.Vetting.as_view(),
        name="v1-application-vetting",
    ),
    path(
        "v1/initial-access-tokens",
        api_registrations.InitialAccessTokens.as_view(),
        name="v1-initial-access-tokens",
    ),
    path(
        "v1/initial-access-tokens/<str:token>",
        api_registrations.OneInitialAccessToken.as_view(),
        name="v1-initial-access-token",
    ),
    path("v1/trusted-issuers", trusted.TrustedIssuers.as_view(), name="v1-trusted-issuers"),
    path("v1/trusted-issuers/<str:issuer>", trusted.OneTrustedIssuer.as_view(), name="v1-trusted-issuer"),
    path(
        "v1/trusted-issuers/<str:issuer>/suspension",
        trusted.TrustedIssuerSuspension.as_view(),
        name="v1-trusted-issuer-suspension",
    ),
    path(
        "v1/trusted-issuers/<str:issuer>/tests",
        trusted.TrustedIssuerTests.as_view(),
        name="v1-trusted-issuer-tests",
    ),
    path(
        "v1/trusted-issuers/<str:issuer>/identities",
        trusted.TrustedIssuerIdentities.as_view(),
        name="v1-trusted-issuer-identities",
    ),
    path(
        "v1/trusted-issuers/<str:issuer>/identities/<str:identity>",
        trusted.TrustedIssuerIdentity.as_view(),
        name="v1-trusted-issuer-identity",
    ),
    path("v1/me/external-identities", trusted.MyIdentities.as_view(), name="v1-my-identities"),
    path("v1/me/external-identities/<str:identity>", trusted.MyIdentity.as_view(), name="v1-my-identity"),
    # Paths of older clients (OAU-31): the same views, which discovery does not name.
    path("oauth2/authorize", older(authorize), name="oauth2-authorize"),
    path("oauth2/token", older(token), name="oauth2-token"),
    path("oauth2/userInfo", older(userinfo), name="oauth2-userinfo"),
    path("oauth2/revoke", older(revoke), name="oauth2-revoke"),
]
