"""What an inspection found: the checks in their one order, which of them decides, and what would flip it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.check_order import ORDER, Check
from core.errors import Problem, TokenInvalid
from events.models import Event

LABELS: Mapping[Check, str | Promise] = {
    Check.PRESENT: gettext_lazy("Present"),
    Check.AUTHENTIC: gettext_lazy("Authentic"),
    Check.UNEXPIRED: gettext_lazy("Not expired"),
    Check.UNREVOKED: gettext_lazy("Not revoked"),
    Check.TYPE: gettext_lazy("Kind of token"),
    Check.AUDIENCE: gettext_lazy("Issuer and audience"),
    Check.TENANT: gettext_lazy("Tenant"),
    Check.ORGANIZATION: gettext_lazy("Organization"),
    Check.SUBJECT_TYPE: gettext_lazy("Subject type"),
    Check.SCOPE: gettext_lazy("Scope"),
    Check.ROLE: gettext_lazy("Role"),
    Check.POLICY: gettext_lazy("Policy"),
    Check.DELEGATION: gettext_lazy("Delegation"),
    Check.STEP_UP: gettext_lazy("Step-up"),
    Check.QUOTA: gettext_lazy("Quota"),
}


class Kind(StrEnum):
    ACCESS_TOKEN = "access_token"
    ID_TOKEN = "id_token"
    LOGOUT_TOKEN = "logout_token"
    REFRESH_TOKEN = "refresh_token"
    CODE = "authorization_code"
    API_KEY = "api_key"
    REQUEST = "request"
    UNKNOWN = "unknown"


KINDS: Mapping[Kind, str | Promise] = {
    Kind.ACCESS_TOKEN: gettext_lazy("Access token"),
    Kind.ID_TOKEN: gettext_lazy("ID token"),
    Kind.LOGOUT_TOKEN: gettext_lazy("Logout token"),
    Kind.REFRESH_TOKEN: gettext_lazy("Refresh token"),
    Kind.CODE: gettext_lazy("Authorization code"),
    Kind.API_KEY: gettext_lazy("API key"),
    Kind.REQUEST: gettext_lazy("Request"),
    Kind.UNKNOWN: gettext_lazy("Unknown"),
}


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_ASKED = "not_asked"  # it does not concern this token, or depends on the request
    NOT_REACHED = "not_reached"


@dataclass(frozen=True)
class Step:
    """One check, or a `part` of it. `code` is the error that a caller gets by it, `fix` what would flip it."""

    check: Check
    verdict: Verdict
    detail: str = ""
    code: str = ""
    fix: str = ""
    part: str = ""

    @property
    def label(self) -> str:
        label = str(LABELS[self.check])
        return f"{label}: {self.part}" if self.part else label

    @property
    def failed(self) -> bool:
        return self.verdict is Verdict.FAILED


@dataclass(frozen=True)
class Trace:
    """An event of an inspected request; `code` and `check` for a refusal."""

    event: Event
    code: str = ""
    check: Check | None = None


@dataclass(frozen=True)
class Report:
    kind: Kind
    steps: Sequence[Step] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, Any] | None = None
    events: Sequence[Trace] = ()

    @property
    def label(self) -> str:
        return str(KINDS[self.kind])

    @property
    def decided_by(self) -> Step | None:
        """The rule that refuses: the first that fails."""
        return next((step for step in self.steps if step.failed), None)

    @property
    def later(self) -> list[Step]:
        """What would refuse next, were the first failure mended."""
        return [step for step in self.steps if step.failed][1:]

    @property
    def accepted(self) -> bool:
        return bool(self.steps) and self.decided_by is None


class Findings:
    """Collects checks in any order and gives them back in the one order."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.steps: list[Step] = []
        self.facts: dict[str, str] = {}
        self.claims: Mapping[str, Any] | None = None
        self.passed(Check.PRESENT)

    def passed(self, check: Check, detail: str = "", *, part: str = "") -> None:
        self.steps.append(Step(check, Verdict.PASSED, detail, part=part))

    def failed(
        self, check: Check, refusal: type[Problem], detail: str, fix: str = "", *, part: str = ""
    ) -> None:
        fix = fix or str(refusal.fix)
        self.steps.append(Step(check, Verdict.FAILED, detail, refusal.code, fix, part))

    def judge(
        self, check: Check, good: bool, detail: str, refusal: type[Problem], fix: str, *, part: str = ""
    ) -> None:
        if good:
            self.passed(check, detail, part=part)
        else:
            self.failed(check, refusal, detail, fix, part=part)

    def not_asked(self, check: Check, detail: str = "", *, part: str = "") -> None:
        self.steps.append(Step(check, Verdict.NOT_ASKED, detail, part=part))

    def report(self) -> Report:
        """Return the whole list; after a failed proof nothing of the token is believed, so nothing is reached."""
        authentic = not any(step.failed and step.check is Check.AUTHENTIC for step in self.steps)
        absent = Verdict.NOT_ASKED if authentic else Verdict.NOT_REACHED
        seen = {step.check for step in self.steps}
        whole = [*self.steps, *(Step(check, absent) for check in ORDER if check not in seen)]
        whole.sort(key=lambda step: ORDER.index(step.check))
        return Report(self.kind, whole, self.facts, self.claims)


def not_ours() -> Report:
    """The answer for everything that this tenant did not issue: nothing more is said (threat A1)."""
    findings = Findings(Kind.UNKNOWN)
    findings.failed(
        Check.AUTHENTIC,
        TokenInvalid,
        _("Not issued by this tenant."),
        _("Get a token from this tenant's issuer, and send it whole and unchanged."),
    )
    return findings.report()
