"""Refusals of the organizations app."""

from __future__ import annotations

from core.errors import Conflict


class SlugTaken(Conflict):
    code = "slug_taken"
    title = "This short name is taken"
    fix = "Choose another slug; an external id, too, belongs to one organization only."


class DomainListed(Conflict):
    code = "domain_listed"
    title = "The organization has named this domain already"
    fix = "Look for it in the organization's list of domains."


class TooManyDomains(Conflict):
    code = "too_many_domains"
    title = "The organization has as many domains as it may have"
    fix = "Remove one that it no longer needs."
