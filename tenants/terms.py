"""The tenant's terms: which version its members have accepted, and when."""

from __future__ import annotations

from django.utils import timezone

from core.principal import Actor
from events.services import emit
from tenants import selectors
from tenants.members import describe
from tenants.models import Member


def owed(member: Member) -> str:
    """Return the version that the member has yet to accept in the open tenant scope, empty for none."""
    version = selectors.policy().terms_version
    return "" if version == member.terms_version else version


def accept(*, member: Member, version: str) -> bool:
    """Record the person's own act, in the open tenant scope; False where another version is in force by now."""
    if not version or version != owed(member):
        return False
    before, member.terms_version, member.terms_accepted_at = member.terms_version, version, timezone.now()
    member.save(update_fields=["terms_version", "terms_accepted_at", "updated_at"])
    emit(
        "user.terms_accepted",
        actor=Actor("user", member.subject),
        object=describe(member, terms_version=version),
        previous={"terms_version": before},
    )
    return True
