"""How django-oauth-toolkit is installed here: its models swapped, its deployment checks kept."""

from __future__ import annotations

from django.core.checks.registry import registry
from oauth2_provider.apps import DOTConfig


class ToolkitConfig(DOTConfig):
    def ready(self) -> None:
        """Keep the checks of RFC 9700; drop the one that asks the router for a database.

        Outside any scope our router refuses to answer, and every model lives in one database anyway.
        """
        from oauth2_provider.checks import validate_token_configuration

        registry.registered_checks.discard(validate_token_configuration)
