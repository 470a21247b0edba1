"""Events of single sign-on: connections, who is linked by them, and sign-ins that were not taken."""

from __future__ import annotations

from typing import Any

from events.registry import Schema, declare

NULLABLE: Schema = {"type": ["string", "null"]}
CONNECTION: dict[str, Any] = {
    "name": "string",
    "issuer": "string",
    "client_id": "string",
    "client_auth": "string",
    "organization": NULLABLE,
    "status": {"type": "string", "enum": ["draft", "active", "inactive"]},
    "endpoints": "object",
    "algorithms": "array",
    "scopes": "array",
    "attributes": "object",
    "create_members": "boolean",
    "default_role": NULLABLE,
    "trust_email": "boolean",
    "trust_mfa": "boolean",
    "enforced": "boolean",
    "credential_changed": "boolean",
    "metadata": "object",
    "reason": "string",
}
for _act, _sentence in {
    "created": "A single sign-on connection was created",
    "updated": "A single sign-on connection was changed",
    "activated": "A single sign-on connection was switched on",
    "deactivated": "A single sign-on connection was switched off, and what it had opened ended",
    "deleted": "A single sign-on connection was deleted, and what it had opened ended",
}.items():
    declare(f"sso.connection.{_act}", _sentence, object="sso_connection", fields=CONNECTION)
ATTEMPT: dict[str, Any] = {"connection": "string", "reason": "string"}
declare(
    "sso.connection.test_failed",
    "A test sign-in by a connection failed",
    object="sso_attempt",
    fields=ATTEMPT,
)
declare(
    "sso.assertion.rejected",
    "What a connection's provider said was not taken",
    object="sso_attempt",
    fields=ATTEMPT,
)
EXEMPTION: dict[str, Any] = {"connection": "string", "member": "string", "reason": "string"}
for _act, _sentence in {
    "added": "A member may use methods of their own although a connection is enforced",
    "removed": "A member may no longer use methods of their own where a connection is enforced",
    "used": "A member got in by methods of their own although a connection is enforced",
}.items():
    declare(f"sso.exemption.{_act}", _sentence, object="sso_exemption", fields=EXEMPTION)
# Those of trusted outside issuers too, which stand above: what is linked is a person elsewhere, either way.
IDENTITY: dict[str, Any] = {
    "issuer": "string",
    "trusted_issuer": "string",
    "connection": "string",
    "member": "string",
}
declare(
    "identity.linked",
    "A member was linked to an identity at an outside provider",
    object="external_identity",
    fields=IDENTITY,
)
declare(
    "identity.unlinked",
    "A member was unlinked from an identity at an outside provider",
    object="external_identity",
    fields=IDENTITY,
    signal="https://schemas.openid.net/secevent/caep/event-type/credential-change",
)
