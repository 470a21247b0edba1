"""Clients, consents, codes and token families: the six models of django-oauth-toolkit, made a tenant's own.

The toolkit's abstract bases stay underneath; their account (`user`) becomes a Member, their readable
secrets become digests, and fields that our own endpoints do not use are taken out.
"""

from __future__ import annotations

from .clients import (
    Application,
    ApplicationType,
    AuthMethod,
    ClientAssertion,
    ClientSecret,
    Consent,
    DPoPProof,
    Profile,
)
from .devices import DeviceGrant
from .grants import Grant, RefreshToken
from .logouts import LogoutDelivery, LogoutStatus
from .pushed import PushedRequest
from .registrations import ClientDocument, ClientHost, InitialAccessToken
from .toolkit import AccessToken, IDToken
from .trusted_issuers import ExternalIdentity, TrustedIssuer

__all__ = [
    "AccessToken",
    "Application",
    "ApplicationType",
    "AuthMethod",
    "ClientAssertion",
    "ClientDocument",
    "ClientHost",
    "ClientSecret",
    "Consent",
    "DPoPProof",
    "DeviceGrant",
    "ExternalIdentity",
    "Grant",
    "IDToken",
    "InitialAccessToken",
    "LogoutDelivery",
    "LogoutStatus",
    "Profile",
    "PushedRequest",
    "RefreshToken",
    "TrustedIssuer",
]
