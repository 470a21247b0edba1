"""The sweep forgets sign-ins a month after they ended or ran out, and sees no other."""

from __future__ import annotations

from django.db import migrations

from core import rls


class Migration(migrations.Migration):
    dependencies = [("identity", "0012_bound_authenticators")]

    operations = [
        rls.RelayAccess(
            "IdentitySession",
            "SELECT, DELETE",
            rows="coalesce(ended_at, expires_at) < now() - interval '30 days'",
        ),
    ]
