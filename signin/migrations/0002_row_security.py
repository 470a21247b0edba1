from __future__ import annotations

from django.db import migrations

from core import rls

# A tenant's flows are for the tenant level only; a person reaches those of their own account.
EXEMPT = f"account_id = {rls.ACCOUNT} OR (tenant_id IS NULL AND {rls.OPERATOR})"
HIDDEN = rls.organization_policy("signin_signinflow", rls.Organizations.HIDDEN, EXEMPT)


class Migration(migrations.Migration):
    dependencies = [("signin", "0001_initial"), ("tenants", "0002_row_security")]
    operations = [
        rls.SharedTable("SignInFlow", app="SELECT, INSERT, UPDATE, DELETE"),
        migrations.RunSQL(";\n".join(HIDDEN), migrations.RunSQL.noop),
        rls.RelayAccess("SignInFlow", "SELECT, DELETE", rows="expires_at < now()"),
        rls.PlainTable("AttemptWindow", app="SELECT, INSERT, UPDATE, DELETE"),
        migrations.RunSQL(
            f"GRANT SELECT, DELETE ON signin_attemptwindow TO {rls.RELAY}", migrations.RunSQL.noop
        ),
    ]
