"""What can go wrong with a key besides the kernel's own refusals."""

from __future__ import annotations

from core.errors import Problem


class InvalidScope(Problem):
    """RFC 6749 §5.2: asked for more than the key may have, or for a scope that does not exist."""

    code, status, simple = "invalid_scope", 400, "invalid_request"
    title = "The scope is unknown or more than the credential may have"
    fix = "Ask for scopes that the key shows, or leave `scope` out to get all of them."


class TokenBindingRequired(Problem):
    code, status, simple = "token_binding_required", 400, "invalid_request"
    title = "This API takes tokens only that are bound to a key"
    fix = "Exchange the key at /oauth/token, with a DPoP proof."


class InvalidTarget(Problem):
    """RFC 8707 §2: the audience asked for is not the one that the credential is for."""

    code, status, simple = "invalid_target", 400, "invalid_request"
    title = "The credential is not for this audience"
    fix = "Leave `audience` out, or use a key of the API resource that you call."


class UnsupportedGrantType(Problem):
    code, status, simple = "unsupported_grant_type", 400, "invalid_request"
    title = "This grant type is not taken here"
    fix = 'Send {"grant_type": "api_key", "api_key": "…"}.'
