"""Migrates, makes the two clients and one signed-in person; prints the person's session."""

from __future__ import annotations

import json
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.opponents.toolkit.settings"
django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402

call_command("migrate", verbosity=0)
user = get_user_model().objects.create_user("mia", "mia@example.com")
for client in json.loads(os.environ["CLIENTS"]):
    get_application_model().objects.create(
        user=user,
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        client_type="confidential",
        authorization_grant_type=client["grant"],
        redirect_uris=" ".join(client["redirect_uris"]),
        algorithm="RS256",
        skip_authorization=True,
    )
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
sys.stdout.write(str(session.session_key))
