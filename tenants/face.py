"""What hosted pages and mails show of a tenant, and of the organization that a sign-in is for (TEN-10, 11)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core import scope
from core.livecache import LiveCache
from tenants import branding, selectors


@dataclass(frozen=True)
class Face:
    """Name, contact, links and looks. `branding` is what is worn: the organization's over the tenant's."""

    name: str
    mode: str
    support_email: str
    support_url: str
    privacy_url: str
    terms_url: str
    branding: Mapping[str, Any]
    sign_up: str


@dataclass(frozen=True)
class Own:
    """What an organization published of itself; `branding` is empty where it wears the tenant's looks."""

    name: str
    branding: Mapping[str, str]


Look = Callable[[uuid.UUID, uuid.UUID], Own | None]
_faces: LiveCache[Face] = LiveCache("tenant")
_looks: list[Look] = []


def dresses_organizations(look: Look) -> Look:
    """Register who knows an organization's branding: (tenant, organization) → Own, None where there is none."""
    _looks.append(look)
    return look


def face_of(tenant_id: uuid.UUID, organization_id: uuid.UUID | None = None) -> Face:
    """Return the face of a tenant towards people of an organization; opens the tenant's scope itself."""
    face = _faces.get(str(tenant_id), lambda: _load(tenant_id))
    own = own_of(tenant_id, organization_id) if organization_id else None
    if own is None or not own.branding:
        return face
    return dressed(face, branding.worn(face.branding, own.branding, own.name))


def dressed(face: Face, worn: Mapping[str, Any]) -> Face:
    """Return a tenant's face in other looks. An organization's own help desk takes the place of the tenant's,
    whichever of its two addresses it names.
    """
    own = branding.CONTACT if worn.keys() & set(branding.CONTACT) else ()
    return replace(face, branding=worn, **{name: worn.get(name, "") for name in own})


def own_of(tenant_id: uuid.UUID, organization_id: uuid.UUID) -> Own | None:
    found = (look(tenant_id, organization_id) for look in _looks)
    return next((own for own in found if own is not None), None)


def _load(tenant_id: uuid.UUID) -> Face:
    with scope.tenant(tenant_id):
        row, policy = selectors.tenant(), selectors.policy()
    return Face(
        name=row.name,
        mode=row.mode,
        support_email=row.support_email,
        support_url=row.support_url,
        privacy_url=row.privacy_url,
        terms_url=row.terms_url,
        branding=row.branding,
        sign_up=policy.sign_up,
    )
