from __future__ import annotations

from django.urls import path

from invitations import api, hosted

urlpatterns = [
    path("v1/invitations", api.Invitations.as_view(), name="api-invitations"),
    path("v1/invitations/<str:invitation>", api.OneInvitation.as_view(), name="api-invitation"),
    path("v1/invitations/<str:invitation>/delivery", api.Delivery.as_view(), name="api-invitation-delivery"),
    path("invitation", hosted.invitation, name="invitation"),
    path("invitation/accepted", hosted.accepted, name="invitation_accepted"),
    path("invitation/declined", hosted.declined, name="invitation_declined"),
]
