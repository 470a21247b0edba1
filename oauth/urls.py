"""Addresses of the authorization server, after the tenant prefix was taken off."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from oauth import metadata
from oauth.token_endpoint import token

urlpatterns: list[URLPattern | URLResolver] = [
    path(".well-known/openid-configuration", metadata.openid_configuration, name="openid-configuration"),
    path(".well-known/oauth-authorization-server", metadata.authorization_server, name="oauth-metadata"),
    path(".well-known/oauth-authorization-server/t/<slug:slug>", metadata.inserted, name="oauth-metadata-inserted"),
    path(".well-known/jwks.json", metadata.jwks, name="jwks"),
    path("oauth/token", token, name="oauth-token"),
    # Paths of older clients (OAU-31): the same views, which discovery does not name.
    path("oauth2/token", token, name="oauth2-token"),
]
