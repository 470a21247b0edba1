"""Mail: promised with the change, built with the tenant's name, delivered once to look at locally."""

from __future__ import annotations

import json

import pytest
from django.test import override_settings

from core import ports, scope
from mail import mailbox, messages, tasks
from tests.factories import Browser, Cast, make_cast, make_tenant, unique
from tests.factories.hosted import mails_to


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def promised(tenant, to: str, template: str = "recover_password", **context: str) -> None:
    context = {"link": "http://localhost:8000/t/x/y?token=abc", "minutes": "30", **context}
    with scope.tenant(tenant.id):
        ports.mail.send(template, to, tenant_id=tenant.id, context=context)


def payload(tenant, to: str) -> dict:
    context = {"link": "http://localhost:8000/x", "minutes": "30"}
    message_id = "01939d3e-0000-7000-8000-" + unique("x")[-10:].rjust(12, "0")
    return {
        "id": message_id,
        "template": "recover_password",
        "to": to,
        "tenant": str(tenant.id),
        "account": "",
        "context": context,
        "locale": "",
    }


def test_a_mail_carries_the_tenants_name_and_its_links(cast: Cast) -> None:
    to = f"{unique('to')}@example.com"
    promised(cast.acme, to)
    mail = mails_to(to)[0]
    assert mail["from"].startswith(cast.acme.slug.title())
    assert mail["links"] == ["http://localhost:8000/t/x/y?token=abc"]
    assert mail["html"].count("http://localhost:8000/t/x/y?token=abc") == 1
    assert {"id", "to", "from", "subject", "text", "html", "links", "sent_at"} <= set(mail)


def test_a_mail_of_a_rolled_back_change_never_leaves(cast: Cast) -> None:
    to = f"{unique('to')}@example.com"
    with pytest.raises(ZeroDivisionError), scope.tenant(cast.acme.id):
        ports.mail.send("recover_password", to, tenant_id=cast.acme.id, context={})
        _ = 1 / 0
    assert mails_to(to) == []


def test_R7_a_job_that_runs_twice_is_one_mail(cast: Cast) -> None:
    to = f"{unique('to')}@example.com"
    job = payload(cast.acme, to)
    with override_settings(EMAIL_BACKEND="mail.mailbox.MailboxBackend"):
        tasks.deliver(job)
        tasks.deliver(job)
    assert len(mails_to(to)) == 1


def test_P1_a_tenants_name_cannot_forge_headers_or_markup() -> None:
    tenant = make_tenant(name='Evil"\r\nBcc: all@example.com <script>alert(1)</script>')
    message = messages.build(payload(tenant, "to@example.com"))
    raw = message.message()
    assert raw["Bcc"] is None
    assert "\n" not in str(message.subject)
    assert "<script>" not in str(message.alternatives[0][0])


def test_the_mailbox_page_lists_and_shows(cast: Cast) -> None:
    to = f"{unique('to')}@example.com"
    promised(cast.acme, to)
    mail = mails_to(to)[0]
    browser = Browser()
    assert mail["subject"] in browser.get("/mailbox").content.decode()
    shown = browser.get(f"/mailbox/{mail['id']}").content.decode()
    assert 'href="http://localhost:8000/t/x/y?token=abc"' in shown
    listed = json.loads(browser.get("/mailbox.json").content)
    assert listed[0]["id"] == mail["id"]


@pytest.mark.parametrize("path", ["/mailbox", "/mailbox.json", "/mailbox/x"])
def test_in_production_there_is_no_mailbox(path: str) -> None:
    with override_settings(PRODUCTION=True):
        assert Browser().get(path).status_code == 404


def test_the_mailbox_refuses_to_swallow_production_mail() -> None:
    with override_settings(PRODUCTION=True), pytest.raises(RuntimeError):
        mailbox.MailboxBackend().send_messages([])


@pytest.mark.parametrize("path", ["/mailbox/..%2f..%2fkeys", "/mailbox/unknown"])
def test_nothing_but_mails_is_read(path: str) -> None:
    assert Browser().get(path).status_code == 404
