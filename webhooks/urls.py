from __future__ import annotations

from django.urls import path

from webhooks import api

ENDPOINT = "v1/webhook-endpoints/<str:endpoint>"
DELIVERY = "v1/webhook-deliveries/<str:delivery>"

urlpatterns = [
    path("v1/webhook-endpoints", api.Endpoints.as_view(), name="api-webhook-endpoints"),
    path(ENDPOINT, api.OneEndpoint.as_view(), name="api-webhook-endpoint"),
    path(f"{ENDPOINT}/secret-rotation", api.SecretRotation.as_view(), name="api-webhook-secret-rotation"),
    path(f"{ENDPOINT}/suspension", api.Suspension.as_view(), name="api-webhook-suspension"),
    path(f"{ENDPOINT}/activation", api.Activation.as_view(), name="api-webhook-activation"),
    path(f"{ENDPOINT}/test", api.Test.as_view(), name="api-webhook-test"),
    path(f"{ENDPOINT}/recovery", api.Recovery.as_view(), name="api-webhook-recovery"),
    path(f"{ENDPOINT}/replay", api.Replay.as_view(), name="api-webhook-replay"),
    path(f"{ENDPOINT}/deliveries", api.Deliveries.as_view(), name="api-webhook-deliveries"),
    path(DELIVERY, api.OneDelivery.as_view(), name="api-webhook-delivery"),
    path(f"{DELIVERY}/redelivery", api.Redelivery.as_view(), name="api-webhook-redelivery"),
    path(f"{DELIVERY}/cancellation", api.Cancellation.as_view(), name="api-webhook-cancellation"),
]
