"""What layouts/manage.html needs around a page, when there is a viewer."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from core import ids
from dashboard import navigation


def context(request: HttpRequest) -> dict[str, Any]:
    """Context processor; adds nothing to pages outside the dashboard."""
    viewer = getattr(request, "viewer", None)
    if viewer is None:
        return {}
    return {
        "viewer": viewer,
        "tenant": viewer.tenant,
        "tenants": viewer.tenants,
        "tenants_url": "/dashboard/",
        "home_url": viewer.url(),
        "search_url": viewer.url("search"),
        "palette_url": viewer.url("search.json"),
        "account_url": "/account/",
        "sign_out_url": "/sign-out",
        "nav": navigation.build(viewer),
        "organization_id": ids.encode("org", viewer.principal.organization_id)
        if viewer.principal.organization_id
        else "",
    }
