"""How an organization proves that a domain is its own: a TXT record, or a file on the domain's web server (ORG-04)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from core import outbound
from organizations.models import Finding, OrganizationDomain, ProofMethod
from organizations.resolver import LookupFailed, LookupTimedOut, resolver

LABEL = "_claviger-challenge"
PATH = "/.well-known/claviger-challenge.txt"
WORD = "claviger-domain-verification="
LIMITS = outbound.Limits(connect=3.0, total=6.0, max_bytes=1024, truncate=True)


@dataclass(frozen=True)
class Findings:
    """What each look found; `http` is empty where the record was proof enough."""

    dns: Finding
    http: Finding | None = None

    @property
    def method(self) -> ProofMethod | None:
        """Return what proved the domain, None for nothing."""
        if self.dns == Finding.FOUND:
            return ProofMethod.DNS
        return ProofMethod.HTTP if self.http == Finding.FOUND else None


def new_challenge() -> str:
    """Return what a new claim has to publish: 160 random bits, good for this claim of this domain only."""
    return secrets.token_hex(20)


def record_name(domain: str) -> str:
    return f"{LABEL}.{domain}"


def file_url(domain: str) -> str:
    return f"https://{domain}{PATH}"


def value(claim: OrganizationDomain) -> str:
    """Return the text of the record, and of the file."""
    return f"{WORD}{claim.challenge}"


def look(domain: str, wanted: str) -> Findings:
    """Ask the domain name system and, without proof there, the web server: up to 10 s, with no scope open."""
    found = dns_finding(domain, wanted)
    return Findings(found) if found == Finding.FOUND else Findings(found, http_finding(domain, wanted))


def dns_finding(domain: str, wanted: str) -> Finding:
    try:
        texts = resolver().texts(record_name(domain))
    except LookupTimedOut:
        return Finding.TIMEOUT
    except LookupFailed:
        return Finding.UNREACHABLE
    return compared([text.strip() for text in texts], wanted)


def http_finding(domain: str, wanted: str) -> Finding:
    """Why a server could not be reached is not told: that would map networks (threat W3)."""
    try:
        answer = outbound.request("GET", file_url(domain), limits=LIMITS)
    except outbound.OutboundError:
        return Finding.UNREACHABLE
    if answer.status != 200:
        return Finding.MISSING
    return compared(answer.body.decode("ascii", "replace").split(), wanted)


def compared(said: list[str], wanted: str) -> Finding:
    if wanted in said:
        return Finding.FOUND
    return Finding.OTHER_VALUE if said else Finding.MISSING
