"""`/v1/organizations/{id}/domains`: naming domains, proving them, and who joins by them (ORG-04, ORG-05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.api.endpoint import Answer, Call, etag, operation
from core.api.lists import paginate
from organizations import domain_services as services
from organizations import domains
from organizations.api import TAGS, InOrganization
from organizations.domain_shapes import DomainBody, DomainPatch, DomainQuery, DomainShape
from organizations.models import OrganizationDomain


class Domains(InOrganization):
    @operation(
        scope="organizations:read",
        query=DomainQuery,
        answer=DomainShape,
        many=True,
        summary="List the domains of an organization",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        rows = domains.domains(self.organization(call))
        if call.query.get("q"):
            rows = domains.search(rows, call.query["q"])
        return paginate(call, rows, DomainShape)

    @operation(
        scope="organizations:write",
        body=DomainBody,
        answer=DomainShape,
        status=201,
        summary="Name a domain as the organization's own",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        claim = services.add_domain(
            actor=call.caller, organization=self.organization(call), **by_columns(call.body)
        )
        return Answer(call.shape(DomainShape, claim), etag=etag(claim))


class AtDomain(InOrganization):
    """Base of addresses beneath one domain."""

    ids_in_path = {**InOrganization.ids_in_path, "domain": OrganizationDomain.PREFIX}

    def claim(self, call: Call) -> OrganizationDomain:
        return domains.domain(self.organization(call), call.path["domain"])


class OneDomain(AtDomain):
    @operation(
        scope="organizations:read",
        answer=DomainShape,
        summary="Read a domain, what proves it and what was found",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        claim = self.claim(call)
        return Answer(call.shape(DomainShape, claim), etag=etag(claim))

    @operation(
        scope="organizations:write",
        body=DomainPatch,
        answer=DomainShape,
        summary="Change who joins by a domain",
        tags=TAGS,
    )
    def patch(self, call: Call) -> Answer:
        claim = self.claim(call)
        call.check_match(etag(claim))
        services.update_domain(actor=call.caller, claim=claim, changes=by_columns(call.changes(claim)))
        return Answer(call.shape(DomainShape, claim), etag=etag(claim))

    @operation(scope="organizations:write", status=204, summary="Give a domain up", tags=TAGS)
    def delete(self, call: Call) -> None:
        claim = self.claim(call)
        call.check_match(etag(claim))
        services.remove_domain(actor=call.caller, claim=claim)


class DomainVerification(AtDomain):
    """The answer comes before the look, which may take seconds: read the domain again."""

    @operation(
        scope="organizations:write",
        answer=DomainShape,
        status=202,
        summary="Have the proof of a domain looked for now",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        return call.shape(DomainShape, services.request_check(actor=call.caller, claim=self.claim(call)))


def by_columns(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"auto_join_role_id" if name == "auto_join_role" else name: value for name, value in body.items()}
