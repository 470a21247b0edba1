from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from mail import pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("mailbox", pages.mailbox_list, name="mailbox"),
    path("mailbox.json", pages.mailbox_json, name="mailbox_json"),
    path("mailbox/<str:mail_id>", pages.mailbox_detail, name="mailbox_message"),
]
