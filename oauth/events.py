"""The events that applications, consents and tokens give rise to."""

from __future__ import annotations

from typing import Any

from events.registry import declare

STRINGS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
APPLICATION: dict[str, Any] = {
    "client_id": "string",
    "name": "string",
    "type": "string",
    "status": "string",
    "auth_method": "string",
    "grants": STRINGS,
    "scopes": STRINGS,
    "resources": STRINGS,
    "introspection_audiences": STRINGS,
    "exchange_clients": STRINGS,
    "redirect_uris": STRINGS,
    "post_logout_redirect_uris": STRINGS,
    "origins": STRINGS,
    "backchannel_logout_uri": "string",
    "backchannel_logout_session_required": "boolean",
    "access_token_lifetime": {"type": ["integer", "null"]},
    "id_token_lifetime": {"type": ["integer", "null"]},
    "refresh_lifetime": {"type": ["integer", "null"]},
    "rotate_refresh_tokens": "boolean",
    "refresh_ends_with_session": "boolean",
    "is_first_party": "boolean",
    "token_endpoint_auth_signing_alg": "string",
    "id_token_signed_response_alg": "string",
    "userinfo_signed_response_alg": "string",
    "introspection_signed_response_alg": "string",
    "claim_mapping": {"type": "array", "items": {"type": "object"}},
    "require_pushed_authorization_requests": "boolean",
    "required_scopes": STRINGS,
    "assigned_organizations": STRINGS,
    "assigned_roles": STRINGS,
    "metadata": "object",
    "jwks": {"type": ["object", "null"]},
    "tls_client_auth": "object",
    "tls_client_certificate_bound_access_tokens": "boolean",
    "dpop_bound_access_tokens": "boolean",
    "dpop_nonce_required": "boolean",
    "profile": "string",
    "jwks_uri": "string",
    "client_uri": "string",
    "logo_uri": "string",
    "tos_uri": "string",
    "policy_uri": "string",
    "contacts": STRINGS,
    "initiate_login_uri": "string",
    "default_max_age": {"type": ["integer", "null"]},
    "require_auth_time": "boolean",
    "is_vetted": "boolean",
    "registration_source": "string",
    "registered_with": "string",
}
SECRET: dict[str, Any] = {
    "application": "string",
    "hint": "string",
    "expires_at": {"type": ["string", "null"]},
}
TOKEN: dict[str, Any] = {
    "client_id": "string",
    "grant_type": "string",
    "scope": "string",
    "audience": "string",
    "member": "string",
    "expires_in": "integer",
}
DEVICE: dict[str, Any] = {
    "client_id": "string",
    "scope": "string",
    "audience": "string",
    "status": "string",
    "member": "string",
}
TRUSTED_ISSUER: dict[str, Any] = {
    "name": "string",
    "issuer": "string",
    "preset": "string",
    "organization": {"type": ["string", "null"]},
    "status": "string",
    "audiences": STRINGS,
    "jwks_uri": "string",
    "algorithms": STRINGS,
    "claims": "object",
    "required_claims": "object",
    "roles": "object",
    "create_members": "boolean",
    "trust_email": "boolean",
    "takes_id_tokens": "boolean",
    "metadata": "object",
}
CONSENT: dict[str, Any] = {
    "application": "string",
    "member": "string",
    "scopes": STRINGS,
    "claims": STRINGS,
    "declined": STRINGS,
    "expires_at": {"type": ["string", "null"]},
    "within_session": "boolean",
}

declare("application.created", "An application was registered", object="application", fields=APPLICATION)
declare("application.updated", "An application's settings changed", object="application", fields=APPLICATION)
declare("application.disabled", "An application was disabled", object="application", fields=APPLICATION)
declare("application.enabled", "An application was enabled again", object="application", fields=APPLICATION)
declare("application.deleted", "An application was deleted", object="application", fields=APPLICATION)
declare("application.secret.created", "A client secret was made", object="client_secret", fields=SECRET)
declare("application.secret.rotated", "A client secret was rotated", object="client_secret", fields=SECRET)
declare("application.secret.revoked", "A client secret was revoked", object="client_secret", fields=SECRET)
declare("consent.granted", "A member allowed an application to act", object="consent", fields=CONSENT)
declare("consent.updated", "A member allowed an application more", object="consent", fields=CONSENT)
declare(
    "consent.revoked", "A member took back what an application was allowed", object="consent", fields=CONSENT
)
declare(
    "authorization.denied",
    "A member refused an application",
    object="authorization",
    fields={"client_id": "string", "scope": "string", "member": "string", "reason": "string"},
)
declare("device_code.created", "A device asked to be allowed", object="device_code", fields=DEVICE)
declare("device_code.approved", "A member allowed a device", object="device_code", fields=DEVICE)
declare("device_code.denied", "A member refused a device", object="device_code", fields=DEVICE)
declare("device_code.expired", "Nobody decided about a device in time", object="device_code", fields=DEVICE)
for act in ("created", "updated", "disabled", "enabled", "deleted"):
    declare(
        f"trusted_issuer.{act}", f"A trusted issuer was {act}", object="trusted_issuer", fields=TRUSTED_ISSUER
    )
declare("token.issued", "An access token was issued", object="token", fields=TOKEN, high_volume=True)
declare("token.exchanged", "An access token was exchanged", object="token", fields=TOKEN, high_volume=True)
declare("token.refreshed", "An access token was refreshed", object="token", fields=TOKEN, high_volume=True)
declare(
    "token.revoked", "A token or its family was revoked", object="token", fields={**TOKEN, "reason": "string"}
)
declare(
    "token.reuse_detected",
    "A code or refresh token was used a second time, and its family was revoked",
    object="token",
    fields={"client_id": "string", "member": "string", "kind": "string", "reason": "string"},
    signal="https://schemas.openid.net/secevent/caep/event-type/session-revoked",
)

for _event, _sentence in {
    "application.metadata_document.changed": "A client changed the metadata at its address",
    "application.metadata_document.rejected": "The metadata at a client's address was refused",
}.items():
    declare(_event, _sentence, object="application", fields={**APPLICATION, "reason": "string"})
REGISTERING: dict[str, Any] = {
    "name": "string",
    "redirect_uris": STRINGS,
    "grants": STRINGS,
    "scopes": STRINGS,
    "max_uses": "integer",
    "status": "string",
    "client_id": "string",
    "reason": "string",
}
for _event, _sentence in {
    "initial_access_token.created": "A token that lets programs register clients was made",
    "initial_access_token.consumed": "A client was registered with an initial access token",
    "initial_access_token.revoked": "An initial access token was revoked",
    "application.dynamic_registration.rejected": "A program asked for a registration that was refused",
}.items():
    declare(_event, _sentence, object="initial_access_token", fields=REGISTERING)
declare(
    "application.dynamic_registration.succeeded",
    "A client registered itself",
    object="application",
    fields=APPLICATION,
)
