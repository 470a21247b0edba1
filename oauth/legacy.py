"""The paths of older clients, `/oauth2/…`: the same views, while the tenant's policy leaves them on (OAU-31)."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from core.errors import NotFound
from oauth.http import View, tenant_of
from tenants import selectors


def older(view: View) -> View:
    """Answer as `view` does, or as nothing does where the tenant has switched the older paths off."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not selectors.policy_of(tenant_of(request).id).legacy_oauth_paths:
            raise NotFound
        return view(request, *args, **kwargs)

    return door
