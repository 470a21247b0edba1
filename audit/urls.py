from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from audit import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/events", api.Events.as_view(), name="api-events"),
    path("v1/events/<str:event>", api.OneEvent.as_view(), name="api-event"),
    path("v1/event-types", api.EventTypes.as_view(), name="api-event-types"),
    path("v1/audit", api.Entries.as_view(), name="api-audit"),
    path("v1/audit/verification", api.Verification.as_view(), name="api-audit-verification"),
    path("v1/audit/<str:event>", api.OneEntry.as_view(), name="api-audit-entry"),
    path("schemas/events/<str:name>/<int:version>", api.schema, name="event-schema"),
]
