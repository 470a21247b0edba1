from __future__ import annotations

from django.db import migrations

from core import rls


class Migration(migrations.Migration):
    dependencies = [("identity", "0001_initial"), ("core", "0002_row_security")]
    operations = [
        rls.PersonTable("Account", column="id"),
        rls.PersonTable("EmailAddress"),
        rls.RouterColumns("EmailAddress", ["account_id", "digest"]),
        rls.PersonTable("IdentitySession"),
        rls.RouterColumns("IdentitySession", ["id", "account_id", "digest"]),
        rls.LookupFunction(
            "account_by_email",
            "wanted text",
            "uuid",
            "SELECT account_id FROM identity_emailaddress WHERE digest = wanted",
        ),
        rls.LookupFunction(
            "identity_session_by_digest",
            "wanted text",
            "TABLE (session_id uuid, account_id uuid)",
            "SELECT id, account_id FROM identity_identitysession WHERE digest = wanted",
        ),
    ]
