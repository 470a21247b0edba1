from __future__ import annotations

from rest_framework.renderers import JSONRenderer


class JsonRenderer(JSONRenderer):
    """JSON in UTF-8, whatever the caller accepts: an API answers in one form."""

    charset = None
    ensure_ascii = False
