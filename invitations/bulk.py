"""Many invitations from one file: each row is the ordinary service, and its own refusal stops no other.

CSV (RFC 4180) with a head line: `email`, and, in any order, `organization` (its short name or id) and `roles`
(names with | between them). Commas or semicolons part the cells, as spreadsheets write them.
"""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from core import ids
from core.errors import FieldError, NotFound, Problem, ValidationFailed
from core.principal import Principal
from invitations import services
from organizations import selectors as organizations
from organizations.models import Organization, OrganizationStatus
from roles import selectors as roles
from roles.models import Role

MOST_ROWS, MOST_TEXT = 200, 100_000
EMAIL, ORGANIZATION, ROLES = COLUMNS = ("email", "organization", "roles")


@dataclass(frozen=True)
class Line:
    """One row as it was written; `number` counts from the head line, which is 1."""

    number: int
    email: str
    organization: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What became of a row: `fault` says why there is no invitation, empty where there is one."""

    line: Line
    fault: str


def read(text: str) -> list[Line]:
    """Return the rows of a file, empty ones left out. Raises ValidationFailed for what is no such file."""
    rows = text.removeprefix("\ufeff").splitlines()
    head = rows[0] if rows else ""
    lines = csv.DictReader(rows, delimiter=";" if ";" in head and "," not in head else ",", restkey="more")
    names = [(name or "").strip().casefold() for name in lines.fieldnames or ()]
    if len(text) > MOST_TEXT or EMAIL not in names or not set(names) <= set(COLUMNS):
        raise _refused(_("The first line has to name the columns: email, organization, roles."))
    lines.fieldnames = names
    found = [_line(lines.line_num, row) for row in lines if any(row.values())]
    if not found or len(found) > MOST_ROWS:
        raise _refused(_("Give between 1 and %(most)d rows.") % {"most": MOST_ROWS})
    return found


def _refused(detail: str) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError("/rows", "malformed", detail)])


def _line(number: int, row: Mapping[str, str | None]) -> Line:
    email, place, held = ((row.get(name) or "").strip() for name in COLUMNS)
    return Line(number, email, place, tuple(word.strip() for word in held.split("|") if word.strip()))


def invite(*, actor: Principal, lines: Iterable[Line], is_trial: bool = False) -> list[Result]:
    """Invite each row in the open tenant scope; of a trial nothing is left, neither rows nor mails."""
    with transaction.atomic():
        results = [Result(line, _fault(actor, line)) for line in lines]
        if is_trial:
            transaction.set_rollback(True)
    return results


def _fault(actor: Principal, line: Line) -> str:
    try:
        with transaction.atomic():
            place = _organization(actor, line.organization)
            named = [_role(name, place) for name in line.roles]
            services.invite(actor=actor, email=line.email, roles=named, organization=place)
    except Problem as problem:
        return str(problem.errors[0].detail if problem.errors else f"{problem.title}.")
    return ""


def _organization(actor: Principal, text: str) -> Organization | None:
    if not text:
        return organizations.organization(actor.organization_id) if actor.organization_id else None
    rows = organizations.organizations().filter(status=OrganizationStatus.ACTIVE)
    found_id = _id_of(text)
    found = (rows.filter(id=found_id) if found_id else rows.filter(slug=text[:200])).first()
    if found is None:
        raise ValidationFailed(
            errors=[FieldError("/organization", "unknown", _("No organization is called so."))]
        )
    return found


def _id_of(text: str) -> uuid.UUID | None:
    try:
        return ids.decode(Organization.PREFIX, text)
    except (ids.MalformedId, NotFound):
        return None


def _role(name: str, place: Organization | None) -> Role:
    """Return the organization's own role of this name, else the tenant's."""
    rows = roles.roles().filter(name=name[:200])
    own = rows.filter(organization=place).first() if place else None
    found = own or rows.filter(organization=None).first()
    if found is None:
        raise ValidationFailed(errors=[FieldError("/roles", "unknown", _("No role is called so."))])
    return found
