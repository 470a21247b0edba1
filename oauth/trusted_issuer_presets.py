"""What is known about common outside issuers: the shape of their names, where their keys are, what to check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from oauth.models.trusted_issuers import Preset


@dataclass(frozen=True)
class Known:
    """`pattern` is what an issuer of this kind looks like, `required` what its ID tokens must say."""

    label: str | Promise
    note: str | Promise
    example: str
    pattern: re.Pattern[str]
    jwks_uri: str = ""
    algorithms: tuple[str, ...] = ("RS256",)
    required: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)


KNOWN: Mapping[str, Known] = {
    Preset.OIDC: Known(
        _("Any OpenID provider"),
        _("Its issuer as it stands in `iss`, character by character; keys come from its discovery document."),
        "https://login.example.com",
        re.compile(r"https?://.+\Z"),
    ),
    Preset.FIREBASE: Known(
        _("Firebase Authentication"),
        _("The audience is the project's id, the same as at the end of the issuer."),
        "https://securetoken.google.com/my-project",
        re.compile(r"https://securetoken\.google\.com/[a-z][a-z0-9-]{4,29}\Z"),
        jwks_uri="https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
    ),
    Preset.COGNITO: Known(
        _("Amazon Cognito"),
        _("The audience is the app client's id. Send the ID token: access tokens name no audience."),
        "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI",
        re.compile(r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com/[a-z0-9-]+_[A-Za-z0-9]+\Z"),
        required={"token_use": "id"},
        claims={"roles": "cognito:groups"},
    ),
    Preset.AUTH0: Known(
        _("Auth0"),
        _("The issuer ends with a slash. Roles come in a claim of your own, named by an address."),
        "https://my-tenant.eu.auth0.com/",
        re.compile(r"https://[a-z0-9.-]+/\Z"),
    ),
}
