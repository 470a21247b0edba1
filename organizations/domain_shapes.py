"""Shapes of organizations' domains at the API's edge."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from core.api.fields import Body, Flag, Metadata, PublicId, Shape, Text, Timestamp
from core.api.lists import SearchQuery, Words
from organizations import domain_proofs
from organizations.domain_services import role_word
from organizations.models import DomainState, Finding, Organization, OrganizationDomain, ProofMethod

STATES = [state.value for state in DomainState]
FINDINGS = [finding.value for finding in Finding]


class DnsRecordShape(serializers.Serializer):
    """The TXT record that proves the domain."""

    type = serializers.CharField()
    name = serializers.CharField()
    value = serializers.CharField()


class WebFileShape(serializers.Serializer):
    """The file that proves it as well, answered with status 200 and without a redirect."""

    url = serializers.CharField()
    content = serializers.CharField()


class DomainShape(Shape):
    """`dns_finding` and `http_finding` say what the last look found, null before it and where it was not needed."""

    object_name = "organization_domain"

    organization = serializers.CharField()
    domain = serializers.CharField()
    state = serializers.ChoiceField(STATES)
    method = serializers.ChoiceField(ProofMethod.values, allow_null=True)
    dns_record = DnsRecordShape()
    http_file = WebFileShape()
    dns_finding = serializers.ChoiceField(FINDINGS, allow_null=True)
    http_finding = serializers.ChoiceField(FINDINGS, allow_null=True)
    verified_at = Timestamp(allow_null=True)
    checked_at = Timestamp(allow_null=True)
    next_check_at = Timestamp(allow_null=True)
    expires_at = Timestamp(allow_null=True)
    auto_join = serializers.BooleanField()
    auto_join_role = serializers.CharField(allow_null=True)

    def to_representation(self, claim: OrganizationDomain) -> dict[str, Any]:
        return super().to_representation(Shown(claim))


class Shown:
    """A claim with the members that its row has in another form."""

    def __init__(self, claim: OrganizationDomain) -> None:
        self._claim = claim
        said = domain_proofs.value(claim)
        pending = claim.effective_state == DomainState.PENDING
        self.organization = Organization(id=claim.organization_id).public_id
        self.state = claim.effective_state
        self.method = claim.method or None
        self.dns_record = {"type": "TXT", "name": domain_proofs.record_name(claim.domain), "value": said}
        self.http_file = {"url": domain_proofs.file_url(claim.domain), "content": said}
        self.dns_finding = claim.dns_finding or None
        self.http_finding = claim.http_finding or None
        self.expires_at = claim.expires_at if pending else None
        self.auto_join_role = role_word(claim)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._claim, name)


class DomainQuery(SearchQuery):
    filters: ClassVar[dict[str, str]] = {"state": "state__in"}

    state = Words(STATES)


class DomainBody(Body):
    domain = Text(253)
    auto_join = Flag(required=False)
    auto_join_role = PublicId("role", required=False, allow_null=True)
    metadata = Metadata(required=False)


class DomainPatch(Body):
    auto_join = Flag()
    auto_join_role = PublicId("role", allow_null=True)
    metadata = Metadata()
