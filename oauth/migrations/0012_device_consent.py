from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("oauth", "0011_outside_id_tokens"),
    ]

    operations = [
        migrations.AddField(
            model_name="devicegrant",
            name="grant_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="within_session",
            field=models.BooleanField(default=False),
        ),
    ]
