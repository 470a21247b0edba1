"""The ports through which a lower app reaches what a higher one knows, bound in `settings.PORTS`.

`authority.require(actor, permission, resource)` · `principals.resolve(request)` ·
`mail.send(template, to, tenant)` · `jobs.enqueue(name, …)` · `browsers.origins(slug, client_id)` ·
`dialects.of(slug)`. Each raises what its implementation raises.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from core.principal import Principal


@cache
def _bound(port: str) -> Any:
    return import_string(settings.PORTS[port])


class authority:  # noqa: N801 — read as a module: authority.require(…)
    @staticmethod
    def require(actor: Principal, permission: str, resource: Any = None) -> None:
        """Raise InsufficientScope, InsufficientRole, OrgMismatch or PolicyDenied unless `actor` may."""
        _bound("authority")(actor, permission, resource)


class principals:  # noqa: N801
    @staticmethod
    def resolve(request: HttpRequest) -> Principal:
        """Return the caller; raises TokenMissing, TokenInvalid and their kin.

        Resolvers are asked in the order of settings; each answers None for a credential not its own.
        """
        caller: Principal = _bound("principals")(request)
        return caller


class mail:  # noqa: N801
    @staticmethod
    def send(
        template: str,
        to: str,
        *,
        tenant_id: uuid.UUID | None = None,
        organization_id: uuid.UUID | None = None,
        account_id: uuid.UUID | None = None,
        context: Mapping[str, Any] | None = None,
        locale: str = "",
    ) -> None:
        """Promise a mail in the running transaction; it leaves after the commit."""
        _bound("mail")(
            template,
            to,
            tenant_id=tenant_id,
            organization_id=organization_id,
            account_id=account_id,
            context=context or {},
            locale=locale,
        )


class jobs:  # noqa: N801
    @staticmethod
    def enqueue(name: str, payload: Mapping[str, Any] | None = None, **options: Any) -> None:
        """Promise work in the running transaction (see core.jobs.enqueue)."""
        _bound("jobs")(name, payload or {}, **options)


class browsers:  # noqa: N801
    @staticmethod
    def origins(slug: str, client_id: str = "") -> frozenset[str]:
        """Return the browser origins that a live application registered; without one, all of the tenant's."""
        found: frozenset[str] = _bound("browsers")(slug, client_id)
        return found


class dialects:  # noqa: N801
    @staticmethod
    def of(slug: str) -> str:
        """Return the error dialect that a tenant chose for its own `/v1`; the usual one for an unknown tenant."""
        word: str = _bound("dialects")(slug)
        return word
