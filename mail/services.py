"""Mail is promised in the transaction that causes it and leaves after the commit, by a job.

A template is `templates/emails/<name>.txt`, whose first line is `Subject: …`, and beside it
`<name>.html` extending `emails/layout.html`. Both get `tenant` (name, support_email) and the context.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.utils import translation

from core import ids, jobs

JOB = "mail.deliver"


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
    """Promise a mail in the running transaction and scope (bound to core.ports.mail.send).

    `context` holds JSON values only; it is sealed until the mail leaves, since it may carry a link's token.
    It wears the looks of the tenant, and of the organization where it has its own and one is named.
    Without `locale` it is written in the language of whoever caused it, that of the page they used.
    The id chosen here becomes the Message-ID: a second delivery of the same job is the same message.
    """
    jobs.enqueue(
        JOB,
        {
            "id": str(ids.uuid7()),
            "template": template,
            "to": to,
            "tenant": str(tenant_id) if tenant_id else "",
            "organization": str(organization_id) if organization_id else "",
            "account": str(account_id) if account_id else "",
            "context": dict(context or {}),
            "locale": locale or translation.get_language() or "",
        },
    )
